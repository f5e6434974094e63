-- The ten longest and the ten shortest of the kept clips
SELECT if(from_longest <= 10, 'longest', 'shortest') AS which, clip_id, speaker_id, round(n_frames / 25, 2) AS seconds,
       path, transcript
FROM (
    SELECT *, row_number() OVER (ORDER BY n_frames DESC, clip_id) AS from_longest,
           row_number() OVER (ORDER BY n_frames, clip_id DESC) AS from_shortest
    FROM clip_sources
    WHERE keep
)
WHERE from_longest <= 10 OR from_shortest <= 10
ORDER BY from_longest
