{# A link without what may be a person's: scheme, host and path, the path's and the host's parts as `published_part` has them.
   Query, fragment, parameters of a path, user and default port go. `{link}` stands for one whose path has a mail address, as
   `link` of landing hides it in old records, and for what is no address of the web; `none` for NULL. #}
{% macro published_link(url) -%}
list_transform([split_part({{ url }}, '?', 1)], lambda page: case
    when page is null then 'none'
    when regexp_matches(page, '@|%40') or not regexp_matches(lower(page), '^https?://[^/:#]+(:[0-9]+)?(/|#|$)') then '{link}'
    else regexp_extract(lower(page), '^(https?://)', 1)
        || array_to_string(list_transform(
            string_split(regexp_extract(lower(page), '^https?://([^/:#]+)', 1), '.'), lambda part: {{ published_part('part') }}
        ), '.')
        || case
            when regexp_matches(lower(page), '^(http://[^/:#]+:80|https://[^/:#]+:443)(/|#|$)') then ''
            else regexp_extract(lower(page), '^https?://[^/:#]+(:[0-9]+)', 1)
        end
        || array_to_string(list_transform(
            list_filter(
                string_split(regexp_replace(regexp_extract(page, '^[^/]+//[^/#]+(/[^#]*)', 1), ';[^/]*', '', 'g'), '/'),
                lambda part: part <> ''
            ),
            lambda part: '/' || {{ published_part('part') }}
        ), '')
end)[1]
{%- endmacro %}


{# A link with the parameter of campaigns alone, of which there are fewer: the same is published of it. #}
{% macro link_of_campaign(url) -%}
{%- set parameter = var('email_campaign_parameter') -%}
split_part({{ url }}, '?', 1)
|| coalesce('?{{ parameter }}=' || nullif(regexp_extract({{ url }}, '[?&]{{ parameter }}=([^&#]*)', 1), ''), '')
{%- endmacro %}


{# The value of the parameter of campaigns in a link, as `published_part` has it; `none` where there is none. #}
{% macro published_campaign(url) -%}
list_transform(
    [regexp_extract({{ url }}, '[?&]{{ var("email_campaign_parameter") }}=([^&#]*)', 1)],
    lambda part: case when coalesce(part, '') = '' then 'none' else {{ published_part('part') }} end
)[1]
{%- endmacro %}


{# A part of a path or host if it is made of words and short numbers, else `{id}`: no token, number of 6 digits, address or phone
   number is. A word has up to 15 letters, which are not of mixed cases, or up to 4 letters and digits. #}
{% macro published_part(part) -%}
{%- set letter = '(?:[a-z]|[^\\x00-\\x7f]|%[89A-Fa-f][0-9A-Fa-f])' -%}
{%- set word = '(?:[A-Z]?' ~ letter ~ '{1,15}|[A-Z]{1,15}|(?:[A-Z][a-z]{2,14}){2,4}|[A-Za-z0-9]{1,4}|[0-9]{1,5})' -%}
{%- set seps = '(?:[-_.~+,!]|%20|%2[CcDd])' -%}
case
    when
        length({{ part }}) <= 80
        and length(regexp_replace({{ part }}, '[^0-9]', '', 'g')) <= 5
        and not regexp_matches(lower({{ part }}), '[bcdfghjklmnpqrstvwxz]{6}')
        and regexp_full_match({{ part }}, '{{ seps }}*{{ word }}(?:{{ seps }}+{{ word }})*{{ seps }}*')
        then {{ part }}
    else '{id}'
end
{%- endmacro %}
