"""Multilingual Whisper from CTranslate2 weights: an embedding per frame, language, and words with times."""
