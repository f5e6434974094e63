"""How near a generated performance comes to the truth: numpy functions on surface points, lip gap, head and speech."""
