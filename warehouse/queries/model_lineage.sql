-- Which footage a model was made from ($version, or the start of it), that of its parents included
-- One row per source and split: 'train' is what it learned from. known: the warehouse still holds that source.
WITH RECURSIVE line AS (
    SELECT version, parent, snapshot FROM models WHERE starts_with(version, $version)
    UNION
    SELECT m.version, m.parent, m.snapshot FROM models m JOIN line ON m.version = line.parent
)
SELECT version, snapshot, split, source_id, any_value(c.path) AS path, any_value(c.licence) AS licence,
       count(*) AS clips, round(sum(n_frames) / 25 / 3600, 4) AS hours, count(s.source_id) > 0 AS known
FROM line
JOIN model_clips c USING (version)
LEFT JOIN sources s USING (source_id)
GROUP BY version, snapshot, split, source_id
ORDER BY version, split, path, source_id
