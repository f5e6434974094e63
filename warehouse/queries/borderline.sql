-- The 50 clips nearest to a threshold, kept or refused: look at these to see whether it is in the right place
-- distance: from the measurement to the threshold, in standard deviations of that score over all candidates.
WITH measured AS (
    SELECT v.subject_id AS clip_id, v.gate, v.keep, v.measured, v.threshold,
           abs(v.measured - v.threshold) / nullif(stddev_pop(v.measured) OVER (PARTITION BY v.gate), 0) AS distance
    FROM verdicts v
    SEMI JOIN clips c ON c.clip_id = v.subject_id
)
SELECT clip_id, s.path, m.gate, m.keep, round(m.measured, 3) AS measured, round(m.threshold, 3) AS threshold,
       round(m.distance, 3) AS distance
FROM measured m
JOIN clips c USING (clip_id)
JOIN sources s USING (source_id)
WHERE m.distance IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY clip_id ORDER BY m.distance, m.gate) = 1
ORDER BY m.distance, clip_id
LIMIT 50
