-- Languages among the kept clips
-- probability: the model's own, averaged. 'und' where it was unsure.
SELECT language, count(*) AS clips, count(DISTINCT speaker_id) AS speakers,
       round(sum(n_frames) / 25 / 3600, 3) AS hours, round(avg(language_probability), 3) AS probability
FROM kept
GROUP BY language
ORDER BY clips DESC, language
