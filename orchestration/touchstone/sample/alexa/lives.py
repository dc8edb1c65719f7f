"""All that happens around the owner's skills."""

from touchstone.sample.alexa.homes import Homes
from touchstone.sample.alexa.links import Links
from touchstone.sample.alexa.sales import Sales

# How common each life is, relative to the others. Names are methods of `Lives`.
LIFE_WEIGHTS = {
    "conversation": 1800,
    "one_shot": 900,
    "question_first": 300,
    "filled_in": 160,
    "misunderstood": 120,
    "silent": 120,
    "left_open": 120,
    "broken": 70,
    "broken_and_left": 30,
    "kept_waiting": 60,
    "refused_answer": 40,
    "ended_oddly": 40,
    "begun_before": 40,
    "over_the_hour": 60,
    "all_at_once": 20,
    "asked_if_it_can": 60,
    "listened": 80,
    "touched": 50,
    "called": 30,
    "resumed": 30,
    "launched_for_a_task": 20,
    "asked_for_permission": 40,
    "unlinked": 40,
    "moved": 80,
    "enabled_only": 60,
    "preferences": 20,
    "offered": 420,
    "answered_only": 15,
    "asked_to_cancel": 60,
    "subscribed_of_old": 40,
    "linked": 240,
    "linked_at_last": 15,
    "linked_over_midnight": 10,
    "refreshed": 300,
    "controlled": 1500,
    "several_at_once": 240,
    "answered_in_two_steps": 90,
    "answered_by_gateway": 40,
    "refused": 130,
    "answered_late": 50,
    "unanswered": 40,
    "without_token": 40,
    "answer_alone": 20,
    "around_midnight": 30,
    "asked_for_state": 400,
    "changed": 500,
    "changed_while_asked": 20,
    "discovered": 150,
    "granted": 40,
    "housekept": 40,
}


class Lives(Sales, Links, Homes):
    weights = LIFE_WEIGHTS
