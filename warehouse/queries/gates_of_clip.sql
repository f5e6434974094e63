-- Every gate's verdict on one clip ($clip_id)
-- measured and threshold in the gate's own unit.
SELECT gate, keep, reason, round(measured, 3) AS measured, round(threshold, 3) AS threshold, stage_version, detail
FROM verdicts
WHERE subject_id = $clip_id
ORDER BY keep, gate
