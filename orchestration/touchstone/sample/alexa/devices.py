"""What a smart home is made of: devices, what can be asked of them, and what they tell of themselves."""

from dataclasses import dataclass, field

from touchstone.sample.alexa.records import User
from touchstone.sample.lives import wheel

# A value in several spellings of JSON: keys in another order, numbers with other digits.
Value = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Property:
    """What a device tells of itself, and the values it can have. Modes, ranges and toggles have instances."""

    namespace: str
    name: str
    values: tuple[Value, ...]
    instance: str = ""

    def told(self, value: str, at: str) -> str:
        """The property as it stands in a report."""
        instance = f'"instance":"{self.instance}",' if self.instance else ""
        return (
            f'{{"namespace":"{self.namespace}",{instance}"name":"{self.name}","value":{value},'
            f'"timeOfSample":"{at}","uncertaintyInMilliseconds":200}}'
        )


@dataclass(frozen=True, slots=True, eq=False)
class Action:
    """A directive, and what answers it if all is well.

    `changes` is what it changes; `response` the answer's name if that isn't Response, in `response_namespace`.
    """

    namespace: str
    name: str
    payload: str = ""
    changes: Property | None = None
    response: str = "Response"
    response_namespace: str = "Alexa"
    response_payload: str = ""

    @property
    def instance(self) -> str:
        return f'"instance":"{self.changes.instance}",' if self.changes and self.changes.instance else ""


def _words(*words: str) -> tuple[Value, ...]:
    return tuple((f'"{word}"',) for word in words)


def _percents() -> tuple[Value, ...]:
    return (*((f"{n}", f"{n}.0") for n in range(0, 100, 5)), ("100", "1e2"))


def _temperatures() -> tuple[Value, ...]:
    return tuple(
        (f'{{"value":{n / 2},"scale":"CELSIUS"}}', f'{{"scale":"CELSIUS","value":{n / 2}0}}') for n in range(36, 48)
    )


_POWER = Property("Alexa.PowerController", "powerState", _words("ON", "OFF"))
_BRIGHTNESS = Property("Alexa.BrightnessController", "brightness", _percents())
_COLOUR = Property(
    "Alexa.ColorController",
    "color",
    tuple(
        (
            f'{{"hue":{hue},"saturation":0.75,"brightness":1}}',
            f'{{"brightness":1.0,"saturation":0.750,"hue":{hue}.0}}',
        )
        for hue in range(0, 360, 30)
    ),
)
_WARMTH = Property("Alexa.ColorTemperatureController", "colorTemperatureInKelvin", (("2200", "2200.0"), ("4000",)))
_TARGET = Property("Alexa.ThermostatController", "targetSetpoint", _temperatures())
_HEATING = Property("Alexa.ThermostatController", "thermostatMode", _words("HEAT", "COOL", "AUTO", "OFF"))
_WARM = Property("Alexa.TemperatureSensor", "temperature", _temperatures())
_LOCK = Property("Alexa.LockController", "lockState", _words("LOCKED", "UNLOCKED", "JAMMED"))
_LIFT = Property("Alexa.RangeController", "rangeValue", _percents(), "Blind.Lift")
_CYCLE = Property("Alexa.ModeController", "mode", _words("Cycle.Delicate", "Cycle.Normal"), "Washer.Cycle")
_RINSE = Property("Alexa.ToggleController", "toggleState", _words("ON", "OFF"), "Washer.Rinse")
_VOLUME = Property("Alexa.Speaker", "volume", _percents())
_ARMED = Property("Alexa.SecurityPanelController", "armState", _words("DISARMED", "ARMED_AWAY"))
# Told in every report, and always the same.
HEALTH = Property("Alexa.EndpointHealth", "connectivity", (('{"value":"OK"}',),))

_ON, _OFF = (
    Action("Alexa.PowerController", "TurnOn", "", _POWER),
    Action("Alexa.PowerController", "TurnOff", "", _POWER),
)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A kind of device."""

    name: str
    category: str
    actions: tuple[Action, ...]
    properties: tuple[Property, ...]


LAMP = Model(
    "lamp",
    "LIGHT",
    wheel(
        {
            _ON: 6,
            _OFF: 6,
            Action("Alexa.BrightnessController", "SetBrightness", '"brightness":40', _BRIGHTNESS): 3,
            Action("Alexa.BrightnessController", "AdjustBrightness", '"brightnessDelta":-10', _BRIGHTNESS): 1,
            Action("Alexa.ColorController", "SetColor", '"color":{"hue":30,"saturation":1,"brightness":1}', _COLOUR): 2,
            Action(_WARMTH.namespace, "SetColorTemperature", '"colorTemperatureInKelvin":2200', _WARMTH): 1,
        }
    ),
    (_POWER, _BRIGHTNESS, _COLOUR, _WARMTH, HEALTH),
)
THERMOSTAT = Model(
    "thermostat",
    "THERMOSTAT",
    (
        Action(_TARGET.namespace, "SetTargetTemperature", '"targetSetpoint":{"value":21,"scale":"CELSIUS"}', _TARGET),
        Action(_TARGET.namespace, "AdjustTargetTemperature", '"targetSetpointDelta":{"value":1}', _TARGET),
        Action(_HEATING.namespace, "SetThermostatMode", '"thermostatMode":{"value":"HEAT"}', _HEATING),
    ),
    (_TARGET, _HEATING, _WARM, HEALTH),
)
LOCK = Model(
    "lock",
    "SMARTLOCK",
    (Action(_LOCK.namespace, "Lock", "", _LOCK), Action(_LOCK.namespace, "Unlock", "", _LOCK)),
    (_LOCK, HEALTH),
)
BLIND = Model(
    "blind",
    "INTERIOR_BLIND",
    (
        Action(_LIFT.namespace, "SetRangeValue", '"rangeValue":50', _LIFT),
        Action(_LIFT.namespace, "AdjustRangeValue", '"rangeValueDelta":10', _LIFT),
    ),
    (_LIFT, HEALTH),
)
WASHER = Model(
    "washer",
    "WASHER",
    (
        _ON,
        Action(_CYCLE.namespace, "SetMode", '"mode":"Cycle.Normal"', _CYCLE),
        Action(_RINSE.namespace, "TurnOn", "", _RINSE),
        # The same names as of power, of another capability.
        Action(_RINSE.namespace, "TurnOff", "", _RINSE),
    ),
    (_POWER, _CYCLE, _RINSE, HEALTH),
)
TELEVISION = Model(
    "television",
    "TV",
    (
        _ON,
        _OFF,
        Action(_VOLUME.namespace, "SetVolume", '"volume":20', _VOLUME),
        Action("Alexa.ChannelController", "ChangeChannel", '"channel":{"number":"7"}'),
        Action("Alexa.InputController", "SelectInput", '"input":"HDMI 1"'),
        Action("Alexa.PlaybackController", "Pause"),
        Action("Alexa.RemoteVideoPlayer", "SearchAndPlay", '"entities":[{"type":"Video","value":"news"}]'),
    ),
    (_POWER, _VOLUME, HEALTH),
)
SCENE = Model(
    "evening",
    "SCENE_TRIGGER",
    (
        Action(
            "Alexa.SceneController",
            "Activate",
            response="ActivationStarted",
            response_namespace="Alexa.SceneController",
            response_payload='"cause":{"type":"VOICE_INTERACTION"},"timestamp":"2026-01-01T00:00:00Z"',
        ),
        Action(
            "Alexa.SceneController",
            "Deactivate",
            response="DeactivationStarted",
            response_namespace="Alexa.SceneController",
            response_payload='"cause":{"type":"VOICE_INTERACTION"},"timestamp":"2026-01-01T00:00:00Z"',
        ),
    ),
    (HEALTH,),
)
ALARM = Model(
    "alarm",
    "SECURITY_PANEL",
    (
        Action(
            _ARMED.namespace,
            "Arm",
            '"armState":"ARMED_AWAY"',
            _ARMED,
            response="Arm.Response",
            response_namespace=_ARMED.namespace,
            response_payload='"exitDelayInSeconds":10',
        ),
        Action(_ARMED.namespace, "Disarm", "", _ARMED),
    ),
    (_ARMED, HEALTH),
)
CAMERA = Model(
    "camera",
    "CAMERA",
    (
        Action(
            "Alexa.CameraStreamController",
            "InitializeCameraStreams",
            '"cameraStreams":[]',
            response_namespace="Alexa.CameraStreamController",
            response_payload='"cameraStreams":[]',
        ),
    ),
    (HEALTH,),
)
MODELS = wheel({LAMP: 10, THERMOSTAT: 4, LOCK: 2, BLIND: 2, WASHER: 1, TELEVISION: 3, SCENE: 1, ALARM: 1, CAMERA: 1})
# Answers to a thermostat's directives come from its own namespace, when they are errors of heating.
THERMOSTAT_ERRORS = (
    "DUAL_SETPOINTS_UNSUPPORTED",
    "REQUESTED_SETPOINTS_TOO_CLOSE",
    "THERMOSTAT_IS_OFF",
    "UNSUPPORTED_THERMOSTAT_MODE",
    "UNWILLING_TO_SET_VALUE",
)
ERRORS = (
    "ENDPOINT_UNREACHABLE",
    "ALREADY_IN_OPERATION",
    "BRIDGE_UNREACHABLE",
    "CLOUD_CONTROL_DISABLED",
    "ENDPOINT_BUSY",
    "ENDPOINT_LOW_POWER",
    "EXPIRED_AUTHORIZATION_CREDENTIAL",
    "FIRMWARE_OUT_OF_DATE",
    "HARDWARE_MALFUNCTION",
    "INSUFFICIENT_PERMISSIONS",
    "INTERNAL_ERROR",
    "INVALID_AUTHORIZATION_CREDENTIAL",
    "INVALID_DIRECTIVE",
    "INVALID_VALUE",
    "NO_SUCH_ENDPOINT",
    "NOT_CALIBRATED",
    "NOT_IN_OPERATION",
    "NOT_SUPPORTED_IN_CURRENT_MODE",
    "NOT_SUPPORTED_WITH_CURRENT_BATTERY_CHARGE_STATE",
    "PARTNER_APPLICATION_REDIRECTION",
    "POWER_LEVEL_NOT_SUPPORTED",
    "RATE_LIMIT_EXCEEDED",
    "TEMPERATURE_VALUE_OUT_OF_RANGE",
    "TOO_MANY_FAILED_ATTEMPTS",
    "VALUE_OUT_OF_RANGE",
)
# Why a device reports a change.
CAUSES = ("PHYSICAL_INTERACTION", "APP_INTERACTION", "RULE_TRIGGER", "PERIODIC_POLL", "VOICE_INTERACTION")


@dataclass(slots=True)
class Device:
    """`state` has the number of the value that each property has now, whatever was last told of it."""

    id: str
    model: Model
    state: dict[Property, int] = field(default_factory=dict)


@dataclass(slots=True)
class Home:
    """A user's devices. `account` is what the owner calls the user; not every log knows it."""

    user: User
    account: str
    devices: list[Device]
