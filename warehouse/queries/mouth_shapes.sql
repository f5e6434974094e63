-- Which mouth shapes the kept clips hold, by the motion itself
-- frames, minutes: in which the shape is there. clips: that show it at least once. The jaw counts by its angle, the
-- lips by how far their actions go past what is usual for all clips. Clips fitted with
-- another than the open head are left out.
WITH frames AS (
    SELECT clip_id, expression AS e, 50 * t AS i, degrees(jaw[3 * t + 1]) AS jaw_deg
    FROM (SELECT motion.*, unnest(range(motion.n_frames)) AS t FROM motion JOIN kept USING (clip_id)
          WHERE head_model LIKE 'open-head@%')
),
actions AS (
    SELECT clip_id, jaw_deg, e[i + 37] AS pucker, e[i + 31] AS funnel, e[i + 43] + e[i + 44] AS smile,
           e[i + 45] + e[i + 46] AS stretch, e[i + 35] + e[i + 36] AS press, e[i + 39] + e[i + 40] AS roll
    FROM frames
),
usual AS (SELECT median(COLUMNS(* EXCLUDE (clip_id, jaw_deg))) FROM actions),
shapes AS (
    SELECT clip_id, jaw_deg < 1.5 AS "jaw shut", jaw_deg BETWEEN 1.5 AND 6 AS "jaw ajar", jaw_deg > 6 AS "jaw open",
           a.pucker > u.pucker + 0.1 AS puckered, a.funnel > u.funnel + 0.1 AS funnel, a.smile > u.smile + 0.2 AS smiling,
           a.stretch > u.stretch + 0.2 AS stretched, a.press > u.press + 0.2 AS pressed, a.roll > u.roll + 0.2 AS "rolled in"
    FROM actions a CROSS JOIN usual u
),
long AS (UNPIVOT shapes ON COLUMNS(* EXCLUDE clip_id) INTO NAME shape VALUE there)
SELECT shape, count(*) FILTER (there) AS frames, round(count(*) FILTER (there) / 25 / 60, 2) AS minutes,
       round(count(*) FILTER (there) / count(*), 4) AS share, count(DISTINCT clip_id) FILTER (there) AS clips
FROM long
GROUP BY shape
ORDER BY frames DESC, shape
