-- How much of each of the face's actions the kept clips hold: what is rare here a model cannot learn
-- action: of ARKit, as the open head names its 50; clips fitted with another head are left out.
-- mean, most: over all frames, 1 is full strength.
-- used: share of frames past 0.3. clips: that go past 0.3 at least once.
WITH actions AS (
    SELECT unnest(['browDownLeft', 'browDownRight', 'browInnerUp', 'browOuterUpLeft', 'browOuterUpRight', 'cheekPuff',
                   'cheekSquintLeft', 'cheekSquintRight', 'eyeBlinkLeft', 'eyeBlinkRight', 'eyeLookDownLeft',
                   'eyeLookDownRight', 'eyeLookInLeft', 'eyeLookInRight', 'eyeLookOutLeft', 'eyeLookOutRight',
                   'eyeLookUpLeft', 'eyeLookUpRight', 'eyeSquintLeft', 'eyeSquintRight', 'eyeWideLeft', 'eyeWideRight',
                   'jawForward', 'jawLeft', 'jawRight', 'mouthClose', 'mouthDimpleLeft', 'mouthDimpleRight',
                   'mouthFrownLeft', 'mouthFrownRight', 'mouthFunnel', 'mouthLeft', 'mouthLowerDownLeft',
                   'mouthLowerDownRight', 'mouthPressLeft', 'mouthPressRight', 'mouthPucker', 'mouthRight',
                   'mouthRollLower', 'mouthRollUpper', 'mouthShrugLower', 'mouthShrugUpper', 'mouthSmileLeft',
                   'mouthSmileRight', 'mouthStretchLeft', 'mouthStretchRight', 'mouthUpperUpLeft', 'mouthUpperUpRight',
                   'noseSneerLeft', 'noseSneerRight']) AS action, unnest(range(1, 51)) AS number
),
strengths AS (
    SELECT clip, unnest(expression) AS strength, unnest(range(len(expression))) % 50 + 1 AS number
    FROM (SELECT expression, row_number() OVER () AS clip FROM motion JOIN kept USING (clip_id)
          WHERE head_model LIKE 'open-head@%')
),
clipwise AS (
    SELECT number, count(*) AS frames, sum(strength) AS total, max(strength) AS most,
           count(*) FILTER (strength > 0.3) AS used
    FROM strengths
    GROUP BY number, clip
)
SELECT action, round(sum(total) / sum(frames), 3) AS mean, round(max(most)::DOUBLE, 2) AS most,
       round(sum(used) / sum(frames), 4) AS used, count(*) FILTER (used > 0) AS clips
FROM clipwise JOIN actions USING (number)
GROUP BY action
ORDER BY sum(used) / sum(frames) DESC, action
