"""The stage table: the journey in order. Results depend on the versions here."""

from dataclasses import dataclass

from tasks import (
    assemble,
    clips,
    cues,
    evidence,
    ingest,
    judge,
    observe,
    reconstruct,
    shots,
    speaker,
    speech,
    splits,
    sync,
    tracks,
    visual,
    voice,
)


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the journey: what it does in one line, and the version that results depend on."""

    name: str
    version: str
    does: str


STAGES = (
    Stage("ingest", ingest.VERSION, "Offer -> SourceVideo: hash, probe, refuse what cannot be curated"),
    Stage("observe", observe.VERSION, "SourceVideo -> Observation: the one pass over pixels and sound, at 25 fps"),
    Stage("shots", shots.VERSION, "Observation -> Shots: cuts, dissolves and jump cuts; flashes are none"),
    Stage("tracks", tracks.VERSION, "Shot -> FaceTracks: each face followed on its own, gaps bridged or split"),
    Stage("clips", clips.VERSION, "FaceTrack -> Clips: candidates of one face, one shot, one voice, 1-30 s"),
    Stage("reconstruct", reconstruct.VERSION, "Clip -> HeadMotion: the head model fitted to the landmarks"),
    Stage("sync", sync.VERSION, "HeadMotion -> SyncReading: lips against sound; what is a little late is mended"),
    Stage("visual", visual.VERSION, "Clip -> VisualScores: size, presence, sharpness, mouth occlusion"),
    Stage("voice", voice.VERSION, "Clip -> VoiceQuality: speech ratio, SNR, DNSMOS"),
    Stage("speech", speech.VERSION, "Clip -> SpeechTrack: envelope, F0, embedding, language, words"),
    Stage("speaker", speaker.VERSION, "Clips in view together, SpeechTrack -> whose voice it is, frame by frame"),
    Stage("cues", cues.VERSION, "Clip, SpeechTrack -> curves of the voice, background, cues of voice and face"),
    Stage("evidence", evidence.VERSION, "Clip, HeadMotion, SpeechTrack -> Evidence: what speaks against the fit"),
    Stage("judge", judge.VERSION, "ClipScores -> Verdicts: every gate of the tier"),
    Stage("splits", splits.VERSION, "Offer -> speaker and split"),
    Stage("assemble", assemble.VERSION, "SourceRecord -> the warehouse's rows"),
)
