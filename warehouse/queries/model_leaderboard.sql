-- Every model's figures, the best first, with the names it goes by
-- value: of the metric in the row 'model', low and high its 95 % interval over n clips; lower is not always better.
-- licence: the most restrictive of what it learned from.
SELECT metric, split, span, m.version, string_agg(DISTINCT a.alias, ', ') AS aliases, m.value, m.low, m.high, m.n,
       round(train_hours, 3) AS hours, licence_class AS licence, preset, snapshot, created
FROM models
JOIN model_metrics m USING (version)
LEFT JOIN current_aliases a ON a.version = m.version
WHERE m.row = 'model'
GROUP BY ALL
ORDER BY metric, split, span, m.value, m.version
