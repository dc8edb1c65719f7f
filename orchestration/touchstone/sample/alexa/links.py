"""Account linking and the tokens that come of it."""

from touchstone.sample.alexa.records import (
    ACCOUNT_LINKS,
    CLOCKS,
    DEVELOPMENT,
    HOUSE,
    KITCHEN,
    LIVE,
    TOKEN_REQUESTS,
    Skill,
    User,
)
from touchstone.sample.alexa.told import Told
from touchstone.sample.lives import wheel
from touchstone.sample.ses.records import DAY, HOUR, MINUTE, SECOND, stamp

FLOWS = wheel({"alexa_app": 60, "app_to_app_from_alexa": 20, "app_to_app_from_app": 15, "lwa_fallback": 5})
INITIATION, COMPLETION = "initiation", "completion"
LINKED_SKILLS: tuple[Skill, ...] = (HOUSE, KITCHEN)

AUTHORIZATION_CODE, REFRESH_TOKEN = "authorization_code", "refresh_token"
TOKEN = '{"access_token":"removed","token_type":"Bearer","expires_in":3600,"refresh_token":"removed"}'
# Alexa waits so long for a token.
TOKEN_PATIENCE = 4500
# How a token request fails, or nearly does: HTTP status, body, and milliseconds. None is NULL, of the time: no answer.
FAILURES: tuple[tuple[int | None, str | None, int | None], ...] = (
    (400, '{"error":"invalid_grant","error_description":"used twice"}', 60),
    (400, '{"error":"invalid_request"}', 60),
    (401, '{"error":"invalid_client"}', 60),
    (400, '{"error":"unauthorized_client"}', 60),
    (400, '{"error":"unsupported_grant_type"}', 60),
    (400, '{"error":"invalid_scope"}', 60),
    # Codes that OAuth 2.0 doesn't know, or not in this place.
    (400, '{"error":"token_revoked"}', 60),
    (503, '{"error":"temporarily_unavailable"}', 60),
    (400, '{"error":"INVALID_GRANT"}', 60),
    # Nobody answered, or too late, or not in words that Alexa understands.
    (None, None, None),
    (None, None, None),
    (200, TOKEN, TOKEN_PATIENCE + 900),
    (400, '{"error":"invalid_grant"}', TOKEN_PATIENCE + 1),
    (200, TOKEN, TOKEN_PATIENCE),
    (502, None, 300),
    # An error without a code, in a few ways.
    (400, None, 60),
    (400, "{}", 60),
    (400, '{"error":null}', 60),
    (400, '{"error":""}', 60),
    (403, '{"message":"Forbidden"}', 60),
    # Well meant, and no token in it.
    (200, "{}", 60),
    (200, None, 60),
    (200, '{"access_token":""}', 60),
    (200, '{"error":"invalid_grant"}', 60),
    # A token after all.
    (201, TOKEN, 60),
)


class Links(Told):
    def linking(self, user: User, flow: str, step: str, attempt: str, at: int, stage: str) -> None:
        """Write a line of the authorisation server's log. Whose account it is, is known in the end."""
        known = step == COMPLETION or "from_app" in flow
        account = f'"account-{user.number}"' if known else "null"
        locale = f'"{user.locale}"' if user.number % 8 else "null"
        line = (
            f'{{"at":"{stamp(at)}","skill_id":"{user.skill.id}","stage":"{stage}","locale":{locale},"flow":"{flow}",'
            f'"step":"{step}","attempt_id":"{attempt}","user_ref":{account}}}'
        )
        self.tell(ACCOUNT_LINKS, at, line)

    def token_request(self, skill: Skill, grant: str, at: int, stage: str, failing: float) -> bool:
        """Alexa asks for a token; whether it gets one."""
        failed = self.chance(failing)
        status, body, takes = self.turn(FAILURES) if failed else (200, TOKEN, 40 + min(self.soon(150), 3 * SECOND))
        clock = self.pick(CLOCKS)
        responded = "null" if takes is None else f'"{clock(at + takes)}"'
        line = (
            f'{{"received_at":"{clock(at)}","responded_at":{responded},"skill_id":"{skill.id}","stage":"{stage}",'
            f'"grant_type":"{grant}","http_status":{status or "null"},"body":{body or "null"},'
            f'"request_id":"{self.uuid()}"}}'
        )
        self.tell(TOKEN_REQUESTS, at, line)
        return not failed

    # ---- Lives

    def linked(self, at: int) -> None:
        """An attempt to link, given up or brought to its end."""
        user = self.user(self.turn(LINKED_SKILLS), at)
        stage = DEVELOPMENT if user.developer else LIVE
        flow, attempt = self.pick(FLOWS), self.token(9)
        # A tenth begins once more, by the same attempt: the page is loaded again.
        for _ in range(1 + (self._random() < 0.1)):
            self.linking(user, flow, INITIATION, attempt, at, stage)
            at += 30 * SECOND + self.soon(3 * MINUTE)
        if self.chance(0.3):
            return
        if self.chance(0.05):
            at += self.soon(DAY)
        while not self.token_request(user.skill, AUTHORIZATION_CODE, at, stage, failing=0.2):
            at += 20 * SECOND
            if self.chance(0.6):
                return
        self.completed(user, flow, attempt, at + SECOND, stage)

    def linked_at_last(self, at: int) -> None:
        """Begun before there was a log."""
        user = self.user(self.turn(LINKED_SKILLS), at)
        self.completed(user, self.pick(FLOWS), self.token(9), at, LIVE)

    def linked_over_midnight(self, at: int) -> None:
        """Begun on one day and brought to its end on the next."""
        user = self.user(self.turn(LINKED_SKILLS), at)
        flow, attempt = self.pick(FLOWS), self.token(9)
        midnight = (at // DAY + 1) * DAY
        self.linking(user, flow, INITIATION, attempt, midnight - MINUTE, LIVE)
        self.token_request(user.skill, AUTHORIZATION_CODE, midnight - SECOND, LIVE, failing=0)
        self.completed(user, flow, attempt, midnight, LIVE)

    def completed(self, user: User, flow: str, attempt: str, at: int, stage: str) -> None:
        self.linking(user, flow, COMPLETION, attempt, at, stage)
        user.link()
        self.skill_event(user, "SkillAccountLinked", at, ',"body":{"accessToken":"removed"}')

    def refreshed(self, at: int) -> None:
        """A token has run out, time and again."""
        skill = self.turn(LINKED_SKILLS)
        stage = DEVELOPMENT if self.chance(0.05) else LIVE
        for _ in range(1 + min(self.soon(3), 20)):
            self.token_request(skill, REFRESH_TOKEN, at, stage, failing=0.12)
            at += HOUR + self.soon(HOUR)
        if self.chance(0.02):
            self.token_request(skill, REFRESH_TOKEN, at, stage, failing=0)
