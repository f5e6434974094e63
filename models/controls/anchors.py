"""Examples of what people write for each control, and of what has nothing to do with any."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from schemas.controls import CameraMove, Emotion, PosePreset


class Denied(StrEnum):
    """Things that mean something only when a prompt rules them out."""

    CAMERA_MOVEMENT = "camera movement"
    HEAD_MOVEMENT = "head movement"
    EMOTION = "emotion"


class Tempo(StrEnum):
    """How fast, said in a phrase of its own."""

    SLOW = "slow"
    FAST = "fast"


Control = Emotion | PosePreset | CameraMove | Denied | Tempo


def _phrases(text: str) -> tuple[str, ...]:
    """Examples separated by commas."""
    return tuple(" ".join(phrase.split()) for phrase in text.split(","))


ANCHORS: Final[Mapping[Control, tuple[str, ...]]] = {
    Emotion.NEUTRAL: _phrases("""
        neutral, neutral face, emotionless, expressionless, impassive, poker face, calm, blank
        expression, stern composure, composed, stoical, unmoved, indifferent, apathetic, detached, straight
        face, serious, deadpan
        """),
    Emotion.ANGRY: _phrases("""
        angry, anger, furious, mad, annoyed, irritated, rage, enraged, hostile, outraged, fuming, livid, irate,
        cross, bad-tempered, aggressive, resentful, exasperated, frustrated, wrathful, boiling with anger,
        seething with rage, losing temper, fury
        """),
    Emotion.CONTEMPT: _phrases("""
        contempt, contemptuous, scornful, disdainful, smug, sneering, arrogant, smirk, mocking, sarcastic,
        condescending, patronising, supercilious, haughty, looking down one's nose, derisive, snide, curling lip
        in disdain
        """),
    Emotion.DISGUSTED: _phrases("""
        disgusted, disgust, revolted, repulsed, grossed out, nauseated, yuck, sickened, loathing, repelled,
        appalled by bad taste, squeamish, full of revulsion, making a face at a bad smell, queasy
        """),
    Emotion.FEAR: _phrases("""
        afraid, fear, scared, terrified, frightened, anxious, nervous, panic, worried, fearful, petrified,
        horrified, alarmed, uneasy, apprehensive, dread, tense, spooked, trembling with fear, timid, frightened
        to death
        """),
    Emotion.HAPPY: _phrases("""
        happy, cheerful, joyful, smiling, a warm smile, delighted, amused, glad, laughing, excited, full of joy,
        friendly, pleased, content, elated, ecstatic, overjoyed, merry, jolly, beaming, grinning, thrilled, in
        high spirits, in a good mood, upbeat, enthusiastic, optimistic, happiness, joy, pride
        """),
    Emotion.SAD: _phrases("""
        sad, sadness, unhappy, sorrowful, melancholic, gloomy, depressed, crying, tearful, grieving,
        heartbroken, mournful, miserable, dejected, downcast, feeling down, feeling blue, weeping, in tears,
        about to cry, wistful, sombre, disappointed, lonely, regretful
        """),
    Emotion.SURPRISED: _phrases("""
        surprised, surprise, astonished, amazed, shocked, startled, stunned, wide-eyed, taken aback, astounded,
        flabbergasted, dumbfounded, speechless with surprise, aghast, bewildered, incredulous, eyebrows raised
        in surprise, in disbelief, caught off guard
        """),
    PosePreset.NATURAL: _phrases("""
        natural head motion, relaxed head movement, normal head pose, natural pose, head moves naturally
        """),
    PosePreset.STILL: _phrases("""
        head still, keep head still, still head, motionless head, steady head, head held rigid, frozen stiff,
        stand still, stiff neck, hold head steady
        """),
    PosePreset.PRESENTER: _phrases("""
        nods, nodding, lively nods, lively head, presenter, like a TV presenter, animated head movement,
        expressive head motion, energetic head gestures, moves head a lot, nods with emphasis, head bobbing,
        vigorous nodding, lots of head movement, head moves along with speech, nod along while speaking
        """),
    CameraMove.FIXED: _phrases("""
        camera fixed, fixed camera, static camera, camera stays still, locked camera, static shot, tripod shot,
        camera holds its position
        """),
    CameraMove.PUSH_IN: _phrases("""
        push-in, push in, camera moves closer, zoom in, dolly in, camera approaches face, move in to close-up,
        creep closer to face, camera drifts towards face, get nearer to subject, close in on face
        """),
    CameraMove.PULL_OUT: _phrases("""
        pull-out, pull out, pull back, camera moves away, zoom out, dolly out, camera backs off, camera drifts
        backwards, camera retreats from face, widen the shot, get further from subject
        """),
    CameraMove.ORBIT: _phrases("""
        orbit, orbiting camera, camera circles around head, camera rotates around person, circle around, camera
        goes round, camera revolves around head, go around the subject, turn around the face, revolve around
        """),
    CameraMove.SINGER_ORBIT_ZOOM: _phrases("""
        singer orbit zoom, orbit and zoom like music video, orbit around singer while zooming, concert camera
        orbit zoom
        """),
    CameraMove.BEAT_BOUNCE: _phrases("""
        beat bounce, camera bounces on beat, bounce to music, camera pulses with rhythm, bouncing camera, camera
        bobs in time with music, camera hops on every beat
        """),
    CameraMove.ENERGETIC_TALK: _phrases("""
        energetic talk, energetic talk camera, handheld camera, shaky camera, dynamic vlog camera, lively
        nervous camera, documentary handheld shot
        """),
    CameraMove.PARALLAX_ARC: _phrases("""
        parallax arc, parallax, camera slides sideways in arc, parallax camera move, sideways tracking shot
        """),
    CameraMove.PUSH_WHIP_PULL: _phrases("""
        push then whip pull, push in and whip back, whip pull, whip pan back, slow push and quick whip out
        """),
    CameraMove.LOW_ANGLE_HERO: _phrases("""
        low angle hero, low angle shot, hero shot, heroic camera from below, camera looks up from below, worm's
        eye view, view from below, filmed from underneath, looking up at the speaker
        """),
    CameraMove.EMOTIONAL_ARC: _phrases("""
        emotional arc, emotional camera arc, intimate slow arc towards face, dramatic emotional camera
        """),
    CameraMove.BROADWAY_SWING: _phrases("""
        broadway swing, broadway, swinging camera, camera swings from side to side, theatrical musical camera,
        camera sways left and right, pendulum camera
        """),
    Denied.CAMERA_MOVEMENT: _phrases("""
        camera movement, camera motion, camera moves, move camera
        """),
    Denied.HEAD_MOVEMENT: _phrases("""
        head movement, head motion, move head, head moves, turn head
        """),
    Denied.EMOTION: _phrases("""
        emotion, emotions, facial expression, feelings
        """),
    Tempo.SLOW: _phrases("""
        at a slow pace, take it slow, unhurried
        """),
    Tempo.FAST: _phrases("""
        at a fast pace, high speed, hurry up
        """),
}

# A phrase at least about as near to one of these is about something else.
OFF_TOPIC: Final = _phrases("""
    weather and rain, a cooking recipe, food and drink, stock market and money, change the background colour,
    change the voice, clothes and hair, glasses and hats, play music, a song, video resolution and file format,
    audio file, subtitles and text, translate language, computer software, install and download, office work and
    taxes, animals and pets, furniture and rooms, travel and trains, mathematics, science and physics, history
    and geography, a telephone call, doctor and medicine, sports and games, random letters, a nonsense word,
    lighting of the scene, ticket prices and shopping, shop opening hours, astronomy and planets, a meeting or
    an appointment, marketing and advertising, birthday party and holidays, source code and software
    development, a famous band, paintings and museums, a company department, oil and gas, chemistry, news and
    politics, invoice from a customer, a number
    """)
