"""Reading untrusted media: one demuxing pass gives upright pictures at 25 fps and 16 kHz sound on the same clock."""
