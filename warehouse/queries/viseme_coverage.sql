-- Which mouth shapes of speech the kept clips hold, by the spelling of their words
-- An estimate: from the transcript's letters, read as English; a word counts once for each shape it asks for.
WITH visemes(viseme, sounds, spelling) AS (
    VALUES ('lips shut', 'p b m', '[pbm]'), ('lip on teeth', 'f v', '[fv]|ph'), ('tongue between teeth', 'th', 'th'),
           ('teeth together', 's z sh ch j', '[szjx]|ch|c[eiy]'), ('rounded', 'w oo', 'w|oo|ou|ew|u'),
           ('half round', 'o aw', 'o|aw|au'), ('wide', 'ee i', 'ee|ea|i|y$'), ('open', 'a', 'a'),
           ('tongue up', 't d n l', '[tdnl]'), ('back of the tongue', 'k g ng', '[kgq]|ng|c([^eihy]|$)'),
           ('r', 'r', 'r')
),
spoken AS (
    SELECT c.clip_id, c.speaker_id, lower(unnest(s.words)) AS word, unnest(s.word_probability) AS probability
    FROM kept c JOIN speech s USING (clip_id)
),
asked AS (
    SELECT word, viseme FROM (SELECT DISTINCT word FROM spoken)
    JOIN visemes ON regexp_matches(trim(word, ' .,;:!?"'), spelling)
)
SELECT viseme, sounds, count(word) AS words, count(DISTINCT word) AS different_words,
       count(DISTINCT clip_id) AS clips, count(DISTINCT speaker_id) AS speakers, round(avg(probability), 2) AS probability
FROM visemes
LEFT JOIN asked USING (viseme)
LEFT JOIN spoken USING (word)
GROUP BY viseme, sounds
ORDER BY words, viseme
