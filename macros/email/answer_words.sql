{# What is kept of a mail server's answer, a text: its status first, then its enhanced statuses and, in lower case, the words of
   this list, which no mailbox is told by; NULL for NULL. Addresses, hosts and links go first, as such words may be in them. What it
   gives, it leaves as it is. Landing leaves the same of answers about persons who were erased, and reads this file for it: the
   macro may ask for nothing of dbt. A word that is added is missing in what was erased before. #}
{% macro answer_words(text) -%}
{%- set words = "
    a aborted abuse abusive accept acceptable accepted accepting access account accounts action active activity actively address addressed
    addresses addressing administrative administratively administrator again aligned alignment allocated allocation allow allowed an
    and any appears are as at attachment attachments attempt attempts authenticate authenticated authentication authorized automatic
    automatically bad bandwidth banned barracuda be because been before being bl blacklist blacklisted block blocked blocking blocklist
    blocklisted blocklists bounce bounced bulk busy but by cannot can can't capacity certificate characteristics check checks client
    closed closing closure cloudmark command communication complaint complaints complete configuration configured connect connected
    connecting connection connections contact contacting contain contained contains content could couldn't currently customer data
    database daily day deactivated deferral deferred deferring delay delayed delete deleted deliver deliverable delivered delivering
    delivery denied destination detected did disabled discarded discontinued disk dkim dmarc dns dnsbl do does doesn't domain domains
    don't due dynamic each email emails empty envelope error errors exceed exceeded exceeding exceeds excessive exist existing exists
    expired fail failed failing fails failure failures file filter filtered filters follow for forged forwarding found frequency
    frequently from full general generic graylisted greylist greylisted greylisting greet group guidelines had handle has have header
    headers held help helo high hop host hostname hour however http identified if illegal in inactive inbound inbox incoming incorrect
    information infected insufficient internal invalid ip ips is isn't issue it its junk large later length level limit limited
    limits line link links list listed lists local locked loop low mail mailbox mailboxes mailing mailserver malformed malicious
    malware many match maximum may mechanism memory message messages minutes missing moved much multiple must mx name names
    network never no nobody non not null number of off offline old on one only open operation or order originating other our out
    outgoing over overloaded overquota owner parameter pass passed passing per perform permanent permanently permission permitted
    phish phishing please policies policy poor postmaster prevent prevents previously problem problems processed processing prohibited
    protect protection protocol provided ptr public queue quickly quota rate rates rbl reach reached reason reasons receive received
    receiver receiving recently recipient recipient's recipients record records refuse refused refusing register registered reject
    rejected rejecting rejection relay relaying remote reported reports reputation request requested require required requirements
    requires resend reset resolve resource resources response restricted restriction retry retrying reverse route routing rule rules
    same scanner score security seconds see seen send sender senders sender's sending sent server server's servers service session
    short signature signatures similar since size sorry source space spam spamcop spamhaus spammer spf starttls
    state status storage submission such support suspected suspended suspicious syntax system taken tarpit temporarily temporary than that thread
    the there this threshold throttle throttled throttling time timed timeout tls to too traffic transaction transfer transmission
    tried trouble try trying typos unable unacceptable unauthenticated unauthorized unavailable unexpected unknown unreachable
    unrecognized unresolvable unrouteable unroutable unsolicited until unusual up url urls use used user users using valid
    validation verification verified verify virtual virus violates violation viruses volume was we were when which while who
    with within without worm write wrong you your
    disableduser dmarcrejection exrecipnotfound nosuchuser overquotaperm overquotatemp receivingrateperm recipientnotfound
    recipnotfound recipsizelimit unsolicitedmessageerror unsolicitedratelimiterror
    attachmentrejected byoiphostnamelookupunavailable contentrejected espblock internalfailure ipfailure mailboxfull messagetoolarge
    noemail recipientservererror sendingdeferral spamdetected transientcommunicationfailure
    bl21 bl23 ts01 ts02 ts03 tss04 tss05 tss09 tss11 s3110 s3115 s3140 s3150 s775 s777 s844
" -%}
{#- A reply code is at the beginning (RFC 5321) or where a sender's server quotes the receiving one, and is followed by an enhanced
   status or a text: no part of an enhanced status, phone number or size is one. -#}
{%- set quoted = "(?:^|[;<>\\]]:?|\\b(?:smtp|said|error|code|status|reply|response|returned|to me):?)[\\s\"''#(<-]*" -%}
{%- set text_follows = "(?:\\s*$|[<\"'',;]|[-:\\s]+(?:[^-:\\s0-9]|[45][.][0-9]|[0-9]{1,2}\\s+[^\\s0-9]))" -%}
{%- set said = without_addresses(text) -%}
trim(
    regexp_extract({{ said }}, '{{ quoted }}([4-6][0-9][0-9]){{ text_follows }}', 1) || ' ' || array_to_string(
        regexp_extract_all(
            {{ said }},
            '\b(?:[45][.][0-9]{1,3}[.][0-9]{1,3}|{{ words.split() | sort(reverse=true) | join("|") | replace("'", "''") }})\b'
        ), ' '
    )
)
{%- endmacro %}


{# A text in lower case without addresses, hosts, links and numbers of telephones. Exchange's and Gmail's words for a reason stay,
   which are like a host and in a link. #}
{% macro without_addresses(text) -%}
regexp_replace(
    regexp_replace(
        lower({{ text }}), '\bresolver[.](?:adr|rst)[.]|https?://support[.]google[.]com/mail/[?]p=', ' ', 'g'
    ),
    '"[^"]*"@\S*|\S*@\S*|\S*://\S*|\S*%40\S*|[0-9]+[.][0-9]+[.][0-9]+[.][0-9.]+|\S*[a-z0-9][.][a-z]\S*|[+][0-9][0-9 ()./-]*[0-9]|\S*[=_]\S*',
    ' ; ',
    'g'
)
{%- endmacro %}
