-- Sources by rights: whose licence or consent nobody stated, and what learned from them
-- models: versions that learned from any of these sources. Rows with something missing come first.
WITH learned AS (SELECT source_id, list(DISTINCT version) AS versions FROM model_clips WHERE split = 'train' GROUP BY ALL),
footage AS (SELECT source_id, count(*) AS clips, sum(n_frames) AS frames FROM kept GROUP BY source_id)
SELECT dataset, licence, consent,
       array_to_string(list_filter([if(licence IS NULL, 'licence', NULL), if(consent IS NULL, 'consent', NULL)],
                                   lambda m: m IS NOT NULL), ', ') AS missing,
       count(*) AS sources, sum(clips)::BIGINT AS clips, round(sum(frames) / 25 / 60, 2) AS minutes,
       coalesce(len(list_distinct(flatten(list(versions)))), 0) AS models
FROM sources
JOIN footage USING (source_id)
LEFT JOIN learned USING (source_id)
GROUP BY dataset, licence, consent
ORDER BY len(missing) DESC, minutes DESC, dataset, licence
