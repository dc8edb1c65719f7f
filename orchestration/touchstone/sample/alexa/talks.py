"""Conversations with a custom skill, from an invocation to the end of its session, and what happens outside of them."""

from datetime import UTC, datetime, timedelta

from touchstone.sample.alexa.records import (
    APOLOGY,
    BUTTONS,
    CALLS,
    CAN_FULFILL,
    CLOCKS,
    CLOSED,
    CUSTOM_SKILLS,
    DEVELOPMENT,
    EMPTY,
    ERRORS,
    FALLBACK,
    HELP,
    KITCHEN,
    LINK_ACCOUNT,
    LIVE,
    MODERN,
    NOTHING,
    OPEN,
    PLAYING,
    QUIZ,
    SHAPES,
    SKILL_REQUESTS,
    STOPS,
    TOUCHES,
    UTTERANCES,
    Session,
    Skill,
    answer,
    directive,
    ended,
    error,
    intent,
    resolved,
    slot,
)
from touchstone.sample.alexa.told import Told
from touchstone.sample.ses.records import DAY, HOUR, MINUTE, SECOND

OK, EXCEPTION, TIMEOUT = "ok", "exception", "timeout"
# No answer was ever given.
NEVER = -1
# Alexa waits so long.
PATIENCE = 8 * SECOND

# What Amazon would count.
SESSIONS, UTTERANCES_SAID, UTTERANCES_FAILED = "sessions", "utterances", "failed utterances"
USER_ENDED, SKILL_ENDED = "user-ended sessions", "skill-ended sessions"

# How a session ends that the user ended, or where it is not said who did; and a good one that ends in an error.
ODD_ENDS = (
    ended(""),
    ended("USER_INITIATED", "INVALID_RESPONSE"),
    ended("ERROR"),
    ended("USER_INITIATED"),
)
# How an endpoint keeps Alexa waiting: its outcome, how long it takes, and what it says.
WAITS = (
    (TIMEOUT, NEVER, NOTHING),
    (OK, PATIENCE + 1200, OPEN[0]),
    (TIMEOUT, PATIENCE + 2500, NOTHING),
    (TIMEOUT, NEVER, NOTHING),
    # One that just makes it.
    (OK, PATIENCE, OPEN[0]),
)
BROKEN = (
    # The endpoint says why itself, with an apology or without; or its answer is no use to Alexa.
    (EXCEPTION, NOTHING),
    (EXCEPTION, APOLOGY),
    (OK, OPEN[0]),
    (EXCEPTION, NOTHING),
)
PLAY = directive(
    "AudioPlayer.Play",
    ',"playBehavior":"REPLACE_ALL","audioItem":{"stream":{"token":"track-1","url":"https://audio.example/1.mp3",'
    '"offsetInMilliseconds":0}}',
)


# Not so many days, but whenever the next month begins.
MONTH = 30 * DAY


def month_after(at: int) -> int:
    """The beginning of the next month."""
    day = datetime.fromtimestamp(at / SECOND, UTC).replace(day=28, hour=0, minute=0, second=0, microsecond=0)
    return int((day + timedelta(days=4)).replace(day=1).timestamp()) * SECOND


class Talks(Told):
    """A session's requests come one after the other, each at the session's time, which then moves on."""

    # ---- Requests

    def start(self, at: int, skill: Skill | None = None) -> Session:
        """A new session of some user; if no skill is given, with any."""
        user = self.user(skill or self.pick(CUSTOM_SKILLS), at)
        developing = user.developer and self.chance(0.8)
        return Session(
            user,
            self.session_id(),
            DEVELOPMENT if developing else LIVE,
            self.chance(0.4 if developing else 0.008),
            at,
            self.pick(SHAPES),
            self.pick(CLOCKS),
        )

    def session_id(self) -> str:
        return f"amzn1.echo-api.session.{self.uuid()}"

    def ask(
        self,
        s: Session,
        type: str,
        own: str = "",
        says: str = EMPTY,
        outcome: str = OK,
        takes: int | None = None,
        session: bool = True,
        audio: str = "IDLE",
    ) -> str:
        """A request, and how the endpoint takes it; the request's id.

        `own` is fields of the type's own, `says` the response, `takes` how long it takes.
        """
        id = f"amzn1.echo-api.request.{self.uuid()}"
        if takes is None:
            takes = 30 + self.soon(250 if self._random() < 0.97 else 2 * SECOND)
            takes = min(takes, PATIENCE - 1)
        self.log(s, s.envelope(type, id, own, session, audio), says, outcome, s.at, takes)
        if self.chance(0.003):
            # Delivered again, as the first answer was lost on its way.
            self.log(s, s.envelope(type, id, own, session, audio), says, outcome, s.at + 900, takes)
        if session and type != "CanFulfillIntentRequest":
            if not s.test:
                self.count(s, type, says, outcome != OK or not 0 <= takes <= PATIENCE)
            s.new = False
        # What Alexa says takes a while, and so does what the user says.
        s.at += max(takes, 0) + 3 * SECOND + self.soon(5 * SECOND)
        return id

    def log(self, s: Session, envelope: str, says: str, outcome: str, at: int, takes: int) -> None:
        responded = "null" if takes == NEVER else f'"{s.clock(at + takes)}"'
        line = (
            f'{{"received_at":"{s.clock(at)}","responded_at":{responded},"outcome":"{outcome}","stage":"{s.stage}",'
            f'"is_test":{"true" if s.test else "false"},"request":{envelope},"response":{says}}}'
        )
        self.tell(SKILL_REQUESTS, at, line)

    def count(self, s: Session, type: str, says: str, failed: bool) -> None:
        metrics = [SESSIONS] if s.new and type in UTTERANCES else []
        if type in UTTERANCES:
            metrics += [UTTERANCES_SAID, UTTERANCES_FAILED] if failed else [UTTERANCES_SAID]
            if says is CLOSED:
                metrics.append(SKILL_ENDED)
        self.counted(s.user, s.at, *metrics, stage=s.stage)

    def launch(self, s: Session, says: str = OPEN[0]) -> str:
        return self.ask(s, "LaunchRequest", says=says)

    def say(self, s: Session, own: str, says: str | None = None) -> str:
        return self.ask(s, "IntentRequest", own, says or self.pick(OPEN))

    def chat(self, s: Session, turns: int) -> None:
        """Some of what users of the skill say."""
        for _ in range(turns):
            self.say(s, self.pick(s.user.skill.intents))

    def end(self, s: Session, reason: str, error_type: str = "") -> None:
        """Amazon tells the skill that the session is over."""
        if reason == "USER_INITIATED" and not s.test:
            self.counted(s.user, s.at, USER_ENDED, stage=s.stage)
        self.ask(s, "SessionEndedRequest", ended(reason, error_type))

    def finish(self, s: Session) -> None:
        """One of the ways in which most sessions end."""
        luck = self._random()
        if luck < 0.35:
            self.say(s, self.pick(STOPS), CLOSED)
        elif luck < 0.6:
            self.say(s, self.pick(s.user.skill.intents), CLOSED)
        elif luck < 0.85:
            self.end(s, "USER_INITIATED")
        else:
            s.at += 16 * SECOND
            self.end(s, "EXCEEDED_MAX_REPROMPTS")

    def turns(self) -> int:
        return 1 + min(self.soon(3), 20)

    # ---- Lives

    def conversation(self, at: int) -> None:
        s = self.start(at)
        self.launch(s)
        self.chat(s, self.turns())
        self.finish(s)

    def one_shot(self, at: int) -> None:
        """All is said in one phrase, and answered."""
        s = self.start(at)
        self.say(s, self.pick(s.user.skill.intents), CLOSED)

    def question_first(self, at: int) -> None:
        """Begun with a question rather than with the skill's name."""
        s = self.start(at)
        self.chat(s, self.turns())
        self.finish(s)

    def filled_in(self, at: int) -> None:
        """A dialogue that asks for one slot after the other, and for a yes or no in the end."""
        s = self.start(at, KITCHEN)
        if self.chance(0.5):
            self.launch(s)
        size, toppings = slot("size", None), slot("toppings", None)
        elicit = answer(False, directive("Dialog.ElicitSlot", ',"slotToElicit":"size"'))
        self.say(s, intent("OrderIntent", f"{size},{toppings}", state="STARTED"), elicit)
        if self.chance(0.15):
            # Lost on the way.
            self.finish(s)
            return
        size = slot("size", "large", resolved("Sizes", "large", "L"))
        delegate = answer(False, directive("Dialog.Delegate"))
        self.say(s, intent("OrderIntent", f"{size},{toppings}", state="IN_PROGRESS"), delegate)
        toppings = slot("toppings", "capers", resolved("Toppings"))
        confirm = answer(False, directive("Dialog.ConfirmIntent"))
        self.say(s, intent("OrderIntent", f"{size},{toppings}", state="IN_PROGRESS"), confirm)
        confirmation = "CONFIRMED" if self.chance(0.8) else "DENIED"
        self.say(s, intent("OrderIntent", f"{size},{toppings}", confirmation, "COMPLETED"), CLOSED)

    def misunderstood(self, at: int) -> None:
        s = self.start(at)
        self.launch(s)
        for _ in range(self.turns()):
            self.say(s, FALLBACK)
        self.say(s, HELP)
        self.finish(s)

    def silent(self, at: int) -> None:
        """Nobody answers: Alexa asks again, and gives up."""
        s = self.start(at)
        self.launch(s)
        self.chat(s, self.turns() - 1)
        s.at += 16 * SECOND
        self.end(s, "EXCEEDED_MAX_REPROMPTS")

    def left_open(self, at: int) -> None:
        """The session's end is never told."""
        s = self.start(at)
        self.launch(s)
        self.chat(s, self.turns())

    def broken(self, at: int) -> None:
        """The endpoint fails, and the session with it."""
        s = self.start(at)
        self.launch(s)
        self.chat(s, self.turns() - 1)
        outcome, says = self.turn(BROKEN)
        self.ask(s, "IntentRequest", self.pick(s.user.skill.intents), says, outcome)
        self.end(s, "ERROR", self.turn(ERRORS))

    def broken_and_left(self, at: int) -> None:
        """The endpoint fails, and nothing more comes."""
        s = self.start(at)
        own = self.pick(s.user.skill.intents)
        if self.chance(0.5):
            self.launch(s)
        self.ask(s, "IntentRequest", own, NOTHING, EXCEPTION)

    def kept_waiting(self, at: int) -> None:
        s = self.start(at)
        self.launch(s)
        outcome, takes, says = self.turn(WAITS)
        self.ask(s, "IntentRequest", self.pick(s.user.skill.intents), says, outcome, takes)
        if takes == PATIENCE:
            self.finish(s)
        elif self.chance(0.7):
            self.end(s, "ERROR", "ENDPOINT_TIMEOUT")

    def refused_answer(self, at: int) -> None:
        """Alexa can't use an answer, and names the request."""
        s = self.start(at)
        cause = self.launch(s) if self.chance(0.5) else self.say(s, self.pick(s.user.skill.intents))
        own = f',{error(self.turn(ERRORS[:3]))},"cause":{{"requestId":"{cause}"}}'
        self.ask(s, "System.ExceptionEncountered", own, session=False)
        if self.chance(0.5):
            self.end(s, "ERROR", "INVALID_RESPONSE")

    def ended_oddly(self, at: int) -> None:
        s = self.start(at)
        self.launch(s)
        self.chat(s, 1)
        own = self.turn(ODD_ENDS)
        # Of one there is no session either.
        self.ask(s, "SessionEndedRequest", own, session=own != ODD_ENDS[-1])

    def begun_before(self, at: int) -> None:
        """Its first requests were never extracted."""
        s = self.start(at)
        s.new = False
        self.chat(s, self.turns())
        self.finish(s)

    def over_the_hour(self, at: int) -> None:
        """A session that begins in one hour, or day, or month, and ends in the next."""
        unit = self.turn((HOUR, DAY, MONTH, DAY))
        boundary = month_after(at) if unit == MONTH else (at // unit + 1) * unit
        s = self.start(boundary - 9 * SECOND)
        self.launch(s)
        s.at = boundary - SECOND if self.chance(0.5) else boundary
        self.chat(s, self.turns())
        self.finish(s)

    def all_at_once(self, at: int) -> None:
        """Two devices of an account, in the same milliseconds."""
        s = self.start(at)
        other = self.start(at)
        other.user = s.user
        for each in (s, other):
            self.launch(each)
            each.at = at + 4 * SECOND
            self.chat(each, 1)
            self.finish(each)

    def asked_if_it_can(self, at: int) -> None:
        """Alexa asks whether a skill could answer something: no user has ever talked to it."""
        s = self.start(at)
        s.shape = MODERN
        fulfil = f'{{"version":"1.0","response":{{"canFulfillIntent":{{"canFulfill":"{self.turn(CAN_FULFILL)}"}}}}}}'
        self.ask(s, "CanFulfillIntentRequest", intent("AnswerIntent", slot("answer", "seven")), fulfil)

    def listened(self, at: int) -> None:
        """Something is played after the session, and the player tells of it."""
        s = self.start(at)
        s.shape = MODERN
        self.say(s, intent("RecipeIntent", slot("dish", "soup")), answer(True, PLAY))
        for event in PLAYING[: 1 + int(self._random() * 3)]:
            self.play(s, event, "PLAYING")
            s.at += self.soon(5 * MINUTE)
        if self.chance(0.4):
            self.ask(s, f"PlaybackController.{self.turn(BUTTONS)}", session=False, audio="STOPPED")
        if self.chance(0.4):
            self.play(s, self.turn(PLAYING[3:]), "STOPPED")

    def play(self, s: Session, event: str, audio: str) -> None:
        own = ',"token":"track-1"'
        own += f",{error('MEDIA_ERROR_SERVICE_UNAVAILABLE')}" if event == "PlaybackFailed" else ""
        self.ask(s, f"AudioPlayer.{event}", own + ',"offsetInMilliseconds":0', session=False, audio=audio)

    def touched(self, at: int) -> None:
        """On a device with a screen."""
        s = self.start(at)
        screen = directive("Alexa.Presentation.APL.RenderDocument", ',"token":"round","document":{}')
        # Alexa keeps the session open, without listening.
        self.launch(s, answer(None, screen))
        for _ in range(1 + self.turns()):
            type, own = self.turn(TOUCHES)
            self.ask(s, type, own, answer(None, screen))
        self.finish(s)

    def called(self, at: int) -> None:
        """Requests that no user's words lead to."""
        s = self.start(at)
        s.shape = MODERN
        type, own = self.turn(CALLS)
        self.ask(s, type, own, session=False)

    def resumed(self, at: int) -> None:
        """The session rests while another skill does a task."""
        s = self.start(at, KITCHEN)
        self.launch(s)
        start = directive("Connections.StartConnection", ',"uri":"connection://AMAZON.PrintPDF/1","token":"print"')
        self.say(s, intent("RecipeIntent", slot("dish", "soup")), answer(None, start))
        cause = (
            '"cause":{"type":"ConnectionCompleted","token":"print","status":{"code":200,"message":"OK"},"result":null}'
        )
        self.ask(s, "SessionResumedRequest", f",{cause}", self.pick(OPEN))
        self.finish(s)

    def launched_for_a_task(self, at: int) -> None:
        """Another skill has asked for it."""
        s = self.start(at, KITCHEN)
        task = ',"task":{"name":"AMAZON.ScheduleFoodDelivery","version":"1","input":{"@version":"1"}}'
        self.ask(s, "LaunchRequest", task, CLOSED)

    def asked_for_permission(self, at: int) -> None:
        """By a directive whose answer comes as a new session."""
        s = self.start(at, KITCHEN)
        self.launch(s)
        ask = directive("Connections.SendRequest", ',"name":"AskFor","payload":{"@version":"1"},"token":"reminders"')
        self.say(s, intent("OrderStatusIntent"), answer(True, ask))
        status = self.turn(("ACCEPTED", "DENIED", "NOT_ANSWERED"))
        self.connected(s, "AskFor", f'{{"permissionScope":"reminders","status":"{status}"}}', "reminders")
        if status == "ACCEPTED":
            body = ',"body":{"acceptedPermissions":[{"scope":"alexa::alerts:reminders:skill:readwrite"}]}'
            self.skill_event(s.user, "SkillPermissionAccepted", s.at, body)
        self.finish(s)

    def connected(self, s: Session, name: str, payload: str, token: str, code: str = '"200"') -> None:
        """The answer to a Connections.SendRequest, which says that it is a new session; its id is new, or is not."""
        s.new = True
        if self.chance(0.75):
            s.id = self.session_id()
        own = f',"name":"{name}","status":{{"code":{code},"message":"OK"}},"payload":{payload},"token":"{token}"'
        self.ask(s, "Connections.Response", own, self.pick(OPEN))

    def unlinked(self, at: int) -> None:
        """The skill asks the user to link an account, and can do nothing without."""
        s = self.start(at, KITCHEN)
        self.say(s, intent("OrderStatusIntent"), LINK_ACCOUNT)

    def moved(self, at: int) -> None:
        """Disabled, and perhaps enabled again later, by the same person with another id."""
        skill = self.pick((QUIZ, QUIZ, KITCHEN))
        users = self._users.get(skill, [])
        if len(users) < 20:
            return
        user = users.pop(int(len(users) * self._random()))
        status = self.turn(("NOT_PERSISTED", "PERSISTED", ""))
        body = f',"body":{{"userInformationPersistenceStatus":"{status}"}}' if status else ""
        self.skill_event(user, "SkillDisabled", at, body)
        if self.chance(0.4):
            again = self.newcomer(skill)
            again.locale, again.device, again.number = user.locale, user.device, user.number
            self.skill_event(again, "SkillEnabled", at + MINUTE + self.soon(HOUR))

    def enabled_only(self, at: int) -> None:
        """Enabled, and never used."""
        skill = self.pick(CUSTOM_SKILLS)
        user = self.newcomer(skill)
        self._users[skill].pop()
        self.skill_event(user, "SkillEnabled", at)

    def preferences(self, at: int) -> None:
        """Permissions and subscriptions change; the second event may come before the first."""
        user = self.user(KITCHEN, at)
        scopes = ',"body":{"acceptedPermissions":[{"scope":"alexa::household:lists:read"}]}'
        self.skill_event(user, "SkillPermissionChanged", at + 5 * SECOND, scopes)
        self.skill_event(user, "SkillPermissionAccepted", at, scopes)
        subscriptions = self.turn(('[{"eventName":"AMAZON.OrderStatus.Updated"}]', "[]"))
        self.skill_event(
            user, "ProactiveSubscriptionChanged", at + MINUTE, f',"body":{{"subscriptions":{subscriptions}}}'
        )
