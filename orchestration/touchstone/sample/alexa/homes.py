"""Messages of a smart home skill: directives and their answers, and what devices report unasked."""

from typing import NamedTuple

from touchstone.sample.alexa.devices import (
    CAUSES,
    ERRORS,
    HEALTH,
    MODELS,
    THERMOSTAT,
    THERMOSTAT_ERRORS,
    Action,
    Device,
    Home,
    Property,
)
from touchstone.sample.alexa.records import CLOCKS, DEVELOPMENT, HOUSE, LIVE, SMART_HOME_MESSAGES
from touchstone.sample.alexa.talks import PATIENCE
from touchstone.sample.alexa.told import Told
from touchstone.sample.files import Sink
from touchstone.sample.plan import Plan
from touchstone.sample.ses.records import DAY, HOUR, MINUTE, SECOND, stamp

IN, OUT_SYNC, OUT_ASYNC = "in", "out_sync", "out_async"
SPOKEN = "smart home utterances"
# What Amazon counts of each directive; its name follows.
SPOKEN_FOR = "for "

# When an answer comes too late for Alexa, or just in time.
LATE = (PATIENCE + 1, PATIENCE + 700, PATIENCE, 3 * PATIENCE)
SCOPE = '"scope":{"type":"BearerToken","token":"removed"}'
DISCOVERY, AUTHORIZATION = "Alexa.Discovery", "Alexa.Authorization"
UNASKED = (
    (DISCOVERY, "AddOrUpdateReport"),
    ("Alexa.DoorbellEventSource", "DoorbellPress"),
    (DISCOVERY, "DeleteReport"),
)
# How a token that pairs messages is missing.
NO_TOKEN = ('"correlationToken":null,', "")


class Call(NamedTuple):
    """An invocation of the skill that Alexa waits for, and what its messages have in common."""

    home: Home
    at: int
    id: str
    stage: str
    # Fields of the headers, "" if messages can't be paired by a token.
    token: str


class Homes(Told):
    def __init__(self, plan: Plan, name: str, records: int, sink: Sink) -> None:
        super().__init__(plan, name, records, sink)
        self._homes: dict[str, Home] = {}

    # ---- Messages

    def home(self, at: int) -> Home:
        user = self.user(HOUSE, at)
        if user.id not in self._homes:
            account = f"account-{user.number}"
            devices = [self.device(f"{account}-{index}") for index in range(1 + int(self._random() * 4))]
            self._homes[user.id] = Home(user, account, devices)
        return self._homes[user.id]

    def device(self, id: str) -> Device:
        model = self.pick(MODELS)
        return Device(id, model, {each: int(self._random() * len(each.values)) for each in model.properties[:-1]})

    def call(self, home: Home, at: int) -> Call:
        stage = DEVELOPMENT if home.user.developer and self.chance(0.8) else LIVE
        return Call(home, at, self.uuid(), stage, f'"correlationToken":"{self.token(24)}",')

    def write(self, call: Call, direction: str, at: int, message: str) -> None:
        user = call.home.user
        # Messages name neither a user nor a locale; what the owner knows of them depends on how it keeps accounts.
        locale = "null" if user.number % 10 < 3 else f'"{user.locale}"'
        account = "null" if user.number % 12 == 0 else f'"{call.home.account}"'
        # What is sent to the gateway, another process sends.
        invocation = self.uuid() if direction == OUT_ASYNC else call.id
        line = (
            f'{{"at":"{self.pick(CLOCKS)(at)}","direction":"{direction}","invocation_id":"{invocation}",'
            f'"skill_id":"{user.skill.id}","stage":"{call.stage}","locale":{locale},"user_ref":{account},'
            f'"message":{message}}}'
        )
        self.tell(SMART_HOME_MESSAGES, at, line)

    def header(self, namespace: str, name: str, more: str = "") -> str:
        return (
            f'"header":{{"namespace":"{namespace}","name":"{name}",{more}"payloadVersion":"3",'
            f'"messageId":"{self.uuid()}"}}'
        )

    def direct(self, call: Call, namespace: str, name: str, device: Device, payload: str = "", more: str = "") -> None:
        """Alexa wants something of a device."""
        message = (
            f'{{"directive":{{{self.header(namespace, name, call.token + more)},"endpoint":{{{SCOPE},'
            f'"endpointId":"{device.id}","cookie":{{}}}},"payload":{{{payload}}}}}}}'
        )
        self.write(call, IN, call.at, message)
        if self.chance(0.004):
            # Sent again, and answered once.
            self.write(call._replace(id=self.uuid()), IN, call.at + SECOND, message)

    def respond(
        self,
        call: Call,
        at: int,
        name: str,
        namespace: str = "Alexa",
        payload: str = "",
        device: Device | None = None,
        context: str = "",
        direction: str = OUT_SYNC,
    ) -> None:
        """The skill answers, or tells something unasked."""
        endpoint = f',"endpoint":{{{SCOPE},"endpointId":"{device.id}"}}' if device else ""
        told = f',"context":{{"properties":[{context}]}}' if context else ""
        event = f'"event":{{{self.header(namespace, name, call.token)}{endpoint},"payload":{{{payload}}}}}'
        self.write(call, direction, at, f"{{{event}{told}}}")

    def soon_answered(self, call: Call) -> int:
        """When most answers come."""
        return call.at + min(60 + self.soon(300 if self._random() < 0.95 else 2 * SECOND), PATIENCE - 1)

    def properties(self, device: Device, at: int, *but: Property) -> str:
        """All that a device tells of itself, in one of the ways to write it."""
        told = [
            each.told(self.pick(each.values[value]), stamp(at))
            for each, value in device.state.items()
            if each not in but
        ]
        return ",".join([*told, HEALTH.told(HEALTH.values[0][0], stamp(at))])

    def change(self, device: Device, changed: Property) -> None:
        """Another value than before."""
        device.state[changed] = (device.state[changed] + 1 + int(self._random() * 3)) % len(changed.values)

    def speak(self, home: Home, at: int, device: Device | None = None) -> tuple[Call, Device, Action]:
        """Someone speaks to Alexa, which sends a directive."""
        call, device = self.call(home, at), device or self.pick(home.devices)
        action = self.pick(device.model.actions)
        self.command(call, device, action)
        self.counted(home.user, at, SPOKEN, stage=call.stage)
        return call, device, action

    def command(self, call: Call, device: Device, action: Action) -> None:
        self.direct(call, action.namespace, action.name, device, action.payload, action.instance)
        self.counted(call.home.user, call.at, f"{SPOKEN_FOR}{action.namespace}.{action.name}", stage=call.stage)

    def do(self, call: Call, device: Device, action: Action, at: int, direction: str = OUT_SYNC) -> None:
        """All is well: the device does it, and says so; of most, what changed is reported, too."""
        if action.changes:
            self.change(device, action.changes)
        self.respond(
            call,
            at,
            action.response,
            action.response_namespace,
            action.response_payload,
            device,
            self.properties(device, at),
            direction,
        )
        if action.changes and self.chance(0.7):
            self.report(call.home, device, at + 200, action.changes, "VOICE_INTERACTION")

    def fail(self, call: Call, device: Device, at: int, direction: str = OUT_SYNC) -> None:
        namespace, type = "Alexa", self.turn(ERRORS)
        if device.model is THERMOSTAT and self.chance(0.5):
            namespace, type = "Alexa.ThermostatController", self.turn(THERMOSTAT_ERRORS)
        payload = f'"type":"{type}","message":"made up"'
        self.respond(call, at, "ErrorResponse", namespace, payload, device, direction=direction)

    def report(self, home: Home, device: Device, at: int, changed: Property, cause: str) -> None:
        """A ChangeReport: what changed, and beside it all that did not."""
        call = self.call(home, at)._replace(token="")
        value = self.pick(changed.values[device.state[changed]])
        payload = f'"change":{{"cause":{{"type":"{cause}"}},"properties":[{changed.told(value, stamp(at))}]}}'
        context = self.properties(device, at, changed)
        self.respond(call, at, "ChangeReport", "Alexa", payload, device, context, OUT_ASYNC)

    # ---- Lives: directives

    def controlled(self, at: int) -> None:
        for _ in range(1 + min(self.soon(2), 9)):
            call, device, action = self.speak(self.home(at), at)
            self.do(call, device, action, self.soon_answered(call))
            at += 5 * SECOND + self.soon(5 * MINUTE)

    def several_at_once(self, at: int) -> None:
        """One sentence, or a routine that nobody speaks for, and a directive for each of the devices."""
        home = self.home(at)
        if self.chance(0.7):
            self.counted(home.user, at, SPOKEN)
        for device in home.devices:
            call, action = self.call(home, at), self.pick(device.model.actions)
            self.command(call, device, action)
            self.do(call, device, action, self.soon_answered(call))

    def answered_in_two_steps(self, at: int) -> None:
        """First that it will take a while; then the answer, or an error, or nothing."""
        call, device, action = self.speak(self.home(at), at)
        said = self.soon_answered(call)
        self.respond(call, said, "DeferredResponse", payload='"estimatedDeferralInSeconds":20')
        done = said + 5 * SECOND + self.soon(10 * SECOND)
        luck = self._random()
        if luck < 0.75:
            self.do(call, device, action, done, OUT_ASYNC)
        elif luck < 0.9:
            self.fail(call, device, done, OUT_ASYNC)

    def answered_by_gateway(self, at: int) -> None:
        """Not by the invocation itself, but in time or not."""
        call, device, action = self.speak(self.home(at), at)
        takes = self.pick((900, 2500, *LATE))
        self.do(call, device, action, at + takes, OUT_ASYNC)

    def refused(self, at: int) -> None:
        call, device, _ = self.speak(self.home(at), at)
        self.fail(call, device, self.soon_answered(call))

    def answered_late(self, at: int) -> None:
        call, device, action = self.speak(self.home(at), at)
        self.do(call, device, action, at + self.turn(LATE))

    def unanswered(self, at: int) -> None:
        self.speak(self.home(at), at)

    def without_token(self, at: int) -> None:
        """Only the invocation says which answer is whose."""
        home = self.home(at)
        call = self.call(home, at)._replace(token=self.turn(NO_TOKEN))
        device = self.pick(home.devices)
        action = self.pick(device.model.actions)
        self.command(call, device, action)
        self.do(call, device, action, self.soon_answered(call))

    def answer_alone(self, at: int) -> None:
        """Of a directive that was never extracted."""
        home = self.home(at)
        device = self.pick(home.devices)
        self.do(self.call(home, at), device, self.pick(device.model.actions), at)

    def around_midnight(self, at: int) -> None:
        """Asked in one day, or hour, and answered in the next."""
        boundary = (at // HOUR + 1) * HOUR if self.chance(0.5) else (at // DAY + 1) * DAY
        call, device, action = self.speak(self.home(at), boundary - 400)
        self.do(call, device, action, boundary + 300)

    # ---- Lives: states

    def asked_for_state(self, at: int) -> None:
        home = self.home(at)
        self.query(home, self.pick(home.devices), at)

    def query(self, home: Home, device: Device, at: int) -> None:
        call = self.call(home, at)
        self.direct(call, "Alexa", "ReportState", device)
        answered, luck = self.soon_answered(call), self._random()
        if luck < 0.04:
            self.fail(call, device, answered)
        elif luck < 0.06:
            self.tell_state(call, device, at + self.turn(LATE))
        elif luck < 0.08:
            self.respond(call, answered, "DeferredResponse", payload='"estimatedDeferralInSeconds":7')
            self.tell_state(call, device, answered + 4 * SECOND, OUT_ASYNC)
        elif luck < 0.97:
            self.tell_state(call, device, answered)

    def tell_state(self, call: Call, device: Device, at: int, direction: str = OUT_SYNC) -> None:
        told = self.properties(device, at)
        self.respond(call, at, "StateReport", device=device, context=told, direction=direction)

    def changed(self, at: int) -> None:
        """A device changes, and reports it, or does not; then Alexa asks."""
        home = self.home(at)
        device = self.pick(home.devices)
        if not device.state:
            return
        for _ in range(1 + min(self.soon(1), 5)):
            changed = self.pick(tuple(device.state))
            self.change(device, changed)
            if self.chance(0.85):
                self.report(home, device, at, changed, self.turn(CAUSES))
            at += self.soon(10 * MINUTE)
        if self.chance(0.6):
            self.query(home, device, at + self.soon(HOUR))

    def changed_while_asked(self, at: int) -> None:
        """A report in the very millisecond in which Alexa asks, or answers come."""
        home = self.home(at)
        device = next((each for each in home.devices if each.state), None)
        if not device:
            return
        changed = self.pick(tuple(device.state))
        self.change(device, changed)
        call = self.call(home, at)
        self.direct(call, "Alexa", "ReportState", device)
        moment = at + self.pick((0, 250))
        self.report(home, device, moment, changed, "PHYSICAL_INTERACTION")
        self.tell_state(call, device, at + 250)

    # ---- Lives: discovery and housekeeping

    def discovered(self, at: int) -> None:
        """Asked for in the app; neither this nor its answer has a token."""
        home = self.home(at)
        call = self.call(home, at)._replace(token="")
        scope = f'"payload":{{{SCOPE}}}'
        self.write(call, IN, at, f'{{"directive":{{{self.header(DISCOVERY, "Discover")},{scope}}}}}')
        answered = at + min(400 + self.soon(900), PATIENCE - 1)
        luck = self._random()
        if luck < 0.06:
            self.respond(call, answered, "ErrorResponse", payload='"type":"INTERNAL_ERROR","message":"made up"')
        elif luck < 0.9:
            late = at + self.turn(LATE) if luck < 0.12 else answered
            endpoints = ",".join(map(self.described, home.devices))
            self.respond(call, late, "Discover.Response", DISCOVERY, f'"endpoints":[{endpoints}]')

    def described(self, device: Device) -> str:
        capabilities = ",".join(
            f'{{"type":"AlexaInterface","interface":"{namespace}","version":"3"}}'
            for namespace in dict.fromkeys(each.namespace for each in device.model.actions)
        )
        return (
            f'{{"endpointId":"{device.id}","manufacturerName":"Example","friendlyName":"{device.model.name}",'
            f'"displayCategories":["{device.model.category}"],"capabilities":[{capabilities}]}}'
        )

    def granted(self, at: int) -> None:
        """The user allows the skill to send events."""
        home = self.home(at)
        call = self.call(home, at)._replace(token="")
        payload = '"grant":{"type":"OAuth2.AuthorizationCode","code":"removed"},"grantee":{"type":"BearerToken"}'
        header = self.header(AUTHORIZATION, "AcceptGrant")
        self.write(call, IN, at, f'{{"directive":{{{header},"payload":{{{payload}}}}}}}')
        answered = self.soon_answered(call)
        if self.chance(0.15):
            failed = '"type":"ACCEPT_GRANT_FAILED","message":"made up"'
            self.respond(call, answered, "ErrorResponse", AUTHORIZATION, failed)
        else:
            self.respond(call, answered, "AcceptGrant.Response", AUTHORIZATION)

    def housekept(self, at: int) -> None:
        """Devices come and go, and bells ring."""
        home = self.home(at)
        device = self.pick(home.devices)
        namespace, name = self.turn(UNASKED)
        call = self.call(home, at)._replace(token="")
        payload = f'"endpoints":[{{"endpointId":"{device.id}"}}]' if namespace == DISCOVERY else ""
        told = device if namespace != DISCOVERY else None
        self.respond(call, at, name, namespace, payload, told, direction=OUT_ASYNC)
