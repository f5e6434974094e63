-- Which gates refuse most, and which alone: where a looser threshold would help
-- alone: clips that only this gate refuses.
WITH refusals AS (
    SELECT subject_id, gate, reason, count(*) OVER (PARTITION BY subject_id) AS refused_by
    FROM verdicts
    WHERE NOT keep
)
SELECT gate, reason, count(*) AS refused, count(*) FILTER (refused_by = 1) AS alone
FROM refusals
GROUP BY ALL
ORDER BY refused DESC, gate
