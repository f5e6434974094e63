"""What the fit believes before it sees a landmark. The one place of its defaults."""

from pydantic import Field

from schemas.config import StageConfig


class FitSettings(StageConfig):
    """Standard deviations ("sd") are of Gaussian priors; smoothness is the sd of a parameter's second difference
    from frame to frame. Landmark weights are relative to the sigma of the head's landmark embedding."""

    focal_ratio: float = Field(2.5, gt=0, description="focal length in picture widths or heights, whichever is larger")
    shape_keyframes: int = Field(24, ge=1, description="frames, evenly spread, that decide the shape")
    shape_iterations: int = Field(3, ge=1, description="Gauss-Newton steps on the keyframes, with the shape")
    motion_iterations: int = Field(3, ge=1, description="Gauss-Newton steps on all frames, with the shape fixed")
    # Landmarks of one clip share one bias, so that further frames are hardly further witnesses of the shape.
    shape_weight: float = Field(1.0, gt=0, description="of a landmark in all keyframes, for the shape")
    close_weight: float = Field(0.4, gt=0, description="of a landmark in one, while their noise is found out or small")
    motion_weight: float = Field(1.0, gt=0, description="weight of a landmark while the motion is decided")
    sigma_floor_mm: float = Field(0.8, gt=0, description="least sigma of a landmark")
    usual_noise: float = Field(0.1, gt=0, description="residual in sigmas below which landmarks are believed more")
    least_noise: float = Field(0.03, gt=0, le=1, description="share of its sigma that a landmark keeps at least")
    huber: float = Field(2.0, gt=0, description="residuals beyond so many sigmas count linearly")
    gap_sigma_mm: float = Field(0.7, gt=0, description="sigma of the opening between two lips or lids")
    shape_sd: float = Field(1.0, gt=0)
    expression_sd: float = Field(0.5, gt=0, description="of an action's strength, about 0")
    below_zero_sd: float = Field(0.2, gt=0, description="of an action's strength where it is negative, on top")
    component_sd: float = Field(1.0, gt=0, description="of an expression component, of heads that have no actions")
    size_sd: float = Field(0.03, gt=0, description="of the size of a head whose identities differ in it, as a share")
    # Of another instrument's answer, where a fit begins with one (DECA's).
    guess_shape_sd: float = Field(0.5, gt=0)
    guess_expression_sd: float = Field(0.5, gt=0)
    guess_jaw_sd_deg: float = Field(4.0, gt=0)
    jaw_open_sd_deg: float = Field(20.0, gt=0)
    jaw_closed_sd_deg: float = Field(1.0, gt=0, description="of a jaw shut further than at rest, on top")
    jaw_sideways_sd_deg: float = Field(1.5, gt=0)
    gaze_sd_deg: float = Field(15.0, gt=0)
    smooth_rotation_deg: float = Field(0.7, gt=0)
    smooth_translation_mm: float = Field(4.0, gt=0)
    smooth_jaw_deg: float = Field(3.0, gt=0)
    smooth_gaze_deg: float = Field(8.0, gt=0)
    smooth_expression: float = Field(0.25, gt=0)
    smooth_component: float = Field(0.5, gt=0)
