"""DECA (Feng, Feng, Black, Bolkart 2021), inference only, written anew to accept the published weights."""
