-- Which emotions the kept clips show, by the face's actions
-- A reading of the fit, not of a person's mind. minutes: of frames in which the emotion's actions go 0.15 past what is
-- usual for all clips. clips: in which a tenth of the frames do. strongest: the clip that shows it most. Clips fitted
-- with another than the open head are left out.
WITH frames AS (
    SELECT clip_id, expression AS e, 50 * unnest(range(motion.n_frames)) AS i
    FROM motion JOIN kept USING (clip_id)
    WHERE head_model LIKE 'open-head@%'
),
faces AS (
    SELECT clip_id, (e[i + 43] + e[i + 44]) / 2 AS happy, (e[i + 1] + e[i + 2]) / 2 AS angry,
           (e[i + 49] + e[i + 50]) / 2 AS disgusted, (e[i + 3] + e[i + 29] + e[i + 30]) / 3 AS sad,
           (e[i + 3] + e[i + 4] + e[i + 5]) / 3 AS surprised, (e[i + 21] + e[i + 22]) / 2 AS fear
    FROM frames
),
long AS (UNPIVOT faces ON COLUMNS(* EXCLUDE clip_id) INTO NAME emotion VALUE strength),
usual AS (SELECT emotion, median(strength) AS usual FROM long GROUP BY emotion),
clipwise AS (
    SELECT emotion, clip_id, count(*) FILTER (strength > usual + 0.15) AS frames, count(*) AS of_frames,
           avg(strength) AS mean
    FROM long JOIN usual USING (emotion)
    GROUP BY emotion, clip_id
)
SELECT emotion, count(*) FILTER (10 * frames >= of_frames) AS clips, round(sum(frames) / 25 / 60, 2) AS minutes,
       round(sum(frames) / sum(of_frames), 4) AS share, arg_max(clip_id, mean) FILTER (frames > 0) AS strongest
FROM clipwise
GROUP BY emotion
ORDER BY sum(frames) DESC, emotion
