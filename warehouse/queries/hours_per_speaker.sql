-- Hours of kept clips per speaker
-- hours: of video at 25 frames a second. lip_nme: mean lip error in per cent of the inter-ocular distance.
SELECT speaker_id, split, count(*) AS clips, round(sum(n_frames) / 25 / 3600, 3) AS hours,
       round(avg(recon_lip_nme), 2) AS lip_nme, round(avg(snr_db), 1) AS snr_db
FROM kept
GROUP BY ALL
ORDER BY hours DESC, speaker_id, split
