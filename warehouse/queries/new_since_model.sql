-- What is new since the last model: kept clips that the newest version neither learned from nor was tested on
-- By speaker; known: whether it has heard that speaker in other clips. Without a model everything is new.
WITH newest AS (SELECT version FROM models ORDER BY created DESC, version LIMIT 1),
heard AS (SELECT clip_id, speaker_id FROM model_clips JOIN newest USING (version))
SELECT speaker_id, speaker_id IN (SELECT speaker_id FROM heard) AS known, split, language, count(*) AS clips,
       round(sum(n_frames) / 25 / 60, 2) AS minutes
FROM kept
WHERE clip_id NOT IN (SELECT clip_id FROM heard)
GROUP BY ALL
ORDER BY minutes DESC, speaker_id, split, language
