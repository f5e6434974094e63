-- Clips that are new since a snapshot ($snapshot)
-- New, or decided otherwise than they were then.
SELECT clip_id, source_id, keep, reason, round(duration_s, 2) AS duration_s, speaker_id
FROM clips
ANTI JOIN (SELECT clip_id, keep FROM clips AT (VERSION => $snapshot)) USING (clip_id, keep)
ORDER BY source_id, start_frame, clip_id
