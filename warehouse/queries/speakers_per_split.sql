-- Who is in which split, with minutes: does a speaker leak from train into val or test?
-- leak: the speaker is in more than one split; such rows come first, and there should be none.
SELECT speaker_id, count(*) OVER (PARTITION BY speaker_id) > 1 AS leak, split, clips, sources, minutes
FROM (
    SELECT speaker_id, split, count(*) AS clips, count(DISTINCT source_id) AS sources,
           round(sum(n_frames) / 25 / 60, 2) AS minutes
    FROM kept
    GROUP BY speaker_id, split
)
ORDER BY leak DESC, split, minutes DESC, speaker_id
