"""In-skill purchases: pitches, offers, and what becomes of subscriptions, in the log of purchases and in sessions."""

from dataclasses import dataclass

from touchstone.sample.alexa.records import (
    BUY,
    CANCEL,
    CONSUMABLE,
    ENTITLEMENT,
    LIVE,
    PRODUCTS,
    PURCHASES,
    QUIZ,
    SUBSCRIPTION,
    SUBSCRIPTIONS,
    UPSELL,
    Product,
    Session,
    User,
    answer,
    directive,
    intent,
)
from touchstone.sample.alexa.talks import Talks
from touchstone.sample.lives import wheel
from touchstone.sample.ses.records import DAY, HOUR, MINUTE, SECOND, stamp

ACCEPTED, DECLINED, ALREADY_PURCHASED, ERROR = "ACCEPTED", "DECLINED", "ALREADY_PURCHASED", "ERROR"
# Waits for a parent's word: known in the conversation alone.
PENDING = "PENDING_PURCHASE"
# How it starts, whether Amazon makes its offer, and what comes of it.
OFFERS = wheel(
    {
        (BUY, True, ACCEPTED): 34,
        (BUY, True, DECLINED): 18,
        (UPSELL, True, ACCEPTED): 14,
        (UPSELL, True, DECLINED): 8,
        # The pitch was enough for the user.
        (UPSELL, False, DECLINED): 14,
        (BUY, False, ALREADY_PURCHASED): 3,
        (UPSELL, False, ALREADY_PURCHASED): 2,
        (BUY, True, ERROR): 3,
        (UPSELL, True, ERROR): 2,
        (BUY, True, PENDING): 2,
    }
)
CANCELLATIONS = wheel({ACCEPTED: 5, DECLINED: 3, "NOT_ENTITLED": 2})
# What happens at the end of a paid period, and of a free trial.
RENEWED, CANCELLED, LAPSED = "renewed", "cancelled", "lapsed"
PAID_ENDS = wheel({RENEWED: 7, CANCELLED: 2, LAPSED: 1})
TRIAL_ENDS = wheel({RENEWED: 5, CANCELLED: 4, LAPSED: 1})


@dataclass(frozen=True, slots=True)
class Deal:
    """Someone and a product, with how they met."""

    user: User
    product: Product
    via: str
    stage: str
    mode: str
    # Whether this is, or begins with, a free trial; None if the product is no subscription.
    trial: bool | None


class Sales(Talks):
    def sold(
        self, deal: Deal, event: str, at: int, result: str = "", trial: bool | None = None, until: int = 0
    ) -> None:
        """Write a line of the log of purchases."""
        trial = deal.trial if trial is None else trial
        told_trial = "null" if trial is None else "true" if trial else "false"
        told_result = f'"{result}"' if result else "null"
        expires = f'"{stamp(until)}"' if until else "null"
        # Not every log knows of it.
        locale = f'"{deal.user.locale}"' if deal.user.number % 16 else "null"
        line = (
            f'{{"at":"{stamp(at)}","skill_id":"{deal.user.skill.id}","stage":"{deal.stage}","locale":{locale},'
            f'"event":"{event}","user_id":"{deal.user.id}","product_id":"{deal.product.id}",'
            f'"product_type":"{deal.product.type}","via":"{deal.via.lower()}","result":{told_result},'
            f'"trial":{told_trial},"expires_at":{expires},"purchase_mode":"{deal.mode}","event_id":"{self.uuid()}"}}'
        )
        self.tell(PURCHASES, at, line)

    def deal(self, user: User, product: Product, via: str, stage: str) -> Deal:
        # Testers may try it on the live skill, too.
        mode = "TEST" if stage != LIVE or user.number % 40 == 0 else "LIVE"
        trial = bool(product.trial) and product.id not in user.owned if product.type == SUBSCRIPTION else None
        return Deal(user, product, via, stage, mode, trial)

    # ---- Lives

    def offered(self, at: int) -> None:
        """A session in which something is for sale, up to its end."""
        s = self.start(at, QUIZ)
        self.launch(s)
        self.chat(s, self.turns() - 1)
        product = self.pick(PRODUCTS)
        via, offered, result = self.pick(OFFERS)
        if product.type == CONSUMABLE and result == ALREADY_PURCHASED:
            # Of those there is always another.
            offered, result = True, ACCEPTED
        elif product.id in s.user.owned:
            offered, result = False, ALREADY_PURCHASED
        deal = self.deal(s.user, product, via, s.stage)
        self.hand_over(s, product, via)
        if via == UPSELL:
            self.sold(deal, "upsell_shown", s.at)
            s.at += 5 * SECOND + self.soon(5 * SECOND)
        if offered:
            self.sold(deal, "offer_made", s.at)
            s.at += 6 * SECOND + self.soon(8 * SECOND)
        # Of a pitch that was turned down there is no word of Amazon's; of one that led nowhere else there is.
        if result != PENDING and (offered or result != DECLINED):
            self.sold(deal, "offer_result", s.at, result)
        if result == ACCEPTED:
            self.accepted(deal, s.at)
        if self.chance(0.95):
            payload = f'{{"purchaseResult":"{result}","productId":"{product.id}","message":"made up"}}'
            code = '"500"' if result == ERROR else "200" if self.chance(0.03) else '"200"'
            self.connected(s, via, payload, "sale", code)
            self.chat(s, self.turns() - 1)
            self.finish(s)

    def hand_over(self, s: Session, product: Product, name: str) -> None:
        """The skill hands the user over to Amazon, and the session ends."""
        pitch = ',"upsellMessage":"There is more."' if name == UPSELL else ""
        own = f',"name":"{name}","payload":{{"InSkillProduct":{{"productId":"{product.id}"}}{pitch}}},"token":"sale"'
        asked = {BUY: "BuyIntent", UPSELL: "AnswerIntent", CANCEL: "RefundIntent"}[name]
        self.say(s, intent(asked), answer(True, directive("Connections.SendRequest", own)))

    def answered_only(self, at: int) -> None:
        """The end of an offer whose beginning was never extracted."""
        s = self.start(at, QUIZ)
        self.connected(s, BUY, f'{{"purchaseResult":"ACCEPTED","productId":"{self.pick(PRODUCTS).id}"}}', "sale")
        self.finish(s)

    def asked_to_cancel(self, at: int) -> None:
        """In a session; if there was something to cancel, it is of old."""
        s = self.start(at, QUIZ)
        product, result = self.turn(SUBSCRIPTIONS), self.pick(CANCELLATIONS)
        if product.id in s.user.owned:
            # What becomes of those is settled already.
            result = DECLINED
        self.hand_over(s, product, CANCEL)
        self.connected(s, CANCEL, f'{{"purchaseResult":"{result}","productId":"{product.id}"}}', "sale")
        if result == ACCEPTED:
            deal = self.deal(s.user, product, BUY, s.stage)
            s.user.owned.add(product.id)
            self.cancelled(deal, s.at, s.at + int(self._random() * product.period * DAY), trial=False)
        self.finish(s)

    def subscribed_of_old(self, at: int) -> None:
        """A subscription that began before there was a log: first heard of when it is renewed."""
        user, product = self.user(QUIZ, at), SUBSCRIPTIONS[0]
        if product.id not in user.owned:
            user.owned.add(product.id)
            self.renew(self.deal(user, product, self.turn((BUY, UPSELL)), LIVE), at)

    # ---- What follows from a purchase

    def accepted(self, deal: Deal, at: int) -> None:
        product = deal.product
        if product.type != CONSUMABLE:
            deal.user.owned.add(product.id)
        if product.type == SUBSCRIPTION:
            self.subscribe(deal, at + SECOND)
        elif self.chance(0.06):
            self.sold(deal, "refunded", at + HOUR + self.soon(5 * DAY))
            if product.type == ENTITLEMENT:
                deal.user.owned.discard(product.id)

    def subscribe(self, deal: Deal, at: int) -> None:
        days = deal.product.trial if deal.trial else deal.product.period
        until = at + days * DAY
        self.sold(deal, "subscription_started", at, until=until)
        if not deal.trial:
            self.go_on(deal, at, until)
            return
        what = self.pick(TRIAL_ENDS)
        if what == CANCELLED:
            # Over at once, as the vendor counts it, though it may be used until the trial's end.
            self.cancelled(deal, at + self.within(days), until, trial=True)
        elif what == LAPSED:
            self.sold(deal, "expired", until, trial=True, until=until)
        else:
            paid = until + deal.product.period * DAY
            self.sold(deal, "trial_converted", until, trial=False, until=paid)
            self.go_on(deal, until, paid)

    def renew(self, deal: Deal, at: int) -> None:
        until = at + deal.product.period * DAY
        self.sold(deal, "renewed", at, trial=False, until=until)
        self.go_on(deal, at, until)

    def go_on(self, deal: Deal, at: int, until: int) -> None:
        """What becomes of a paid period."""
        if at >= self._end:
            return
        what = self.pick(PAID_ENDS)
        if what == RENEWED:
            self.renew(deal, until)
        elif what == CANCELLED:
            self.cancelled(deal, at + self.within(deal.product.period), until, trial=False)
            if self.chance(0.1):
                self.sold(deal, "refunded", until + MINUTE, trial=False)
        else:
            self.sold(deal, "expired", until, trial=False, until=until)

    def cancelled(self, deal: Deal, at: int, until: int, trial: bool) -> None:
        """It lasts until the end of what is paid for, but for a test, which is over at once."""
        over = at if deal.mode == "TEST" else until
        self.sold(deal, "cancelled", at, trial=trial, until=over)
        # A trial that was cancelled is not heard of again, or is.
        if not trial or self.chance(0.5):
            self.sold(deal, "expired", over, trial=trial, until=over)

    def within(self, days: int) -> int:
        return int(self._random() * days * DAY)
