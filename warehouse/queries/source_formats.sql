-- What kinds of video were offered, and how much of each was kept
-- kept: share of the sources that gave at least one kept clip.
SELECT regexp_extract(lower(path), '\.(\w+)$', 1) AS file_type, width, height, round(fps, 2) AS fps, rotation_deg,
       count(*) AS sources, round(sum(duration_s) / 60, 1) AS minutes, round(avg((status = 'curated')::INT), 3) AS kept
FROM sources
GROUP BY ALL
ORDER BY sources DESC, file_type, width, height, fps, rotation_deg
