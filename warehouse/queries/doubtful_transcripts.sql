-- The 50 kept clips whose transcript is least sure: listen to these
-- probability: the speech model's own, the mean over words. unsure: the words below one half.
SELECT clip_id, path, language, round(list_avg(word_probability), 2) AS probability, transcript,
       array_to_string(list_filter(words, lambda word, i: word_probability[i] < 0.5), ' ') AS unsure
FROM clip_sources
JOIN speech USING (clip_id)
WHERE keep AND len(words) > 0
ORDER BY list_avg(word_probability), clip_id
LIMIT 50
