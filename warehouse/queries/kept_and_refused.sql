-- Kept and refused, by reason
-- share: of all candidate clips. Sources of which no candidate came have rows of their own, unit 'source'.
SELECT 'clip' AS unit, coalesce(reason, 'kept') AS outcome, count(*) AS n,
       round(count(*) / sum(count(*)) OVER (), 4) AS share, round(sum(duration_s) / 3600, 3) AS hours
FROM clips
GROUP BY outcome
UNION ALL
SELECT 'source', coalesce(reason, 'curated'), count(*), round(count(*) / sum(count(*)) OVER (), 4),
       round(sum(duration_s) / 3600, 3)
FROM sources
GROUP BY reason
ORDER BY unit, n DESC, outcome
