-- Where the heads look: minutes of kept video for each turn and nod of the head
-- Degrees, in steps of ten, by frame. yaw above zero is to the speaker's left, pitch above zero is down.
WITH frames AS (
    SELECT global_rotation AS r, unnest(range(motion.n_frames)) AS t FROM motion JOIN kept USING (clip_id)
)
SELECT (10 * round(degrees(r[3 * t + 2]) / 10))::INT AS yaw_deg, (10 * round(degrees(r[3 * t + 1]) / 10))::INT AS pitch_deg,
       count(*) AS frames, round(count(*) / 25 / 60, 2) AS minutes, round(count(*) / sum(count(*)) OVER (), 4) AS share
FROM frames
GROUP BY yaw_deg, pitch_deg
ORDER BY frames DESC, yaw_deg, pitch_deg
