"""The titles of problems, in the five languages we write: English, bokmål, svenska, dansk, română.

A problem without a title of its own bears that of its status.
"""

from typing import Final

from domain.locales import LOCALES

Title = tuple[str, str, str, str, str]

OF_STATUS: Final[dict[int, Title]] = {
    400: (
        "We could not read the request",
        "Vi kunne ikke lese forespørselen",
        "Vi kunde inte läsa förfrågan",
        "Vi kunne ikke læse forespørgslen",
        "Nu am putut citi cererea",
    ),
    401: (
        "We do not know who is calling",
        "Vi vet ikke hvem som spør",
        "Vi vet inte vem som frågar",
        "Vi ved ikke, hvem der spørger",
        "Nu știm cine întreabă",
    ),
    403: (
        "You may not do this",
        "Du har ikke lov til dette",
        "Du får inte göra detta",
        "Det må du ikke",
        "Nu aveți dreptul să faceți acest lucru",
    ),
    404: (
        "There is no such thing",
        "Dette finnes ikke",
        "Detta finns inte",
        "Det findes ikke",
        "Nu există așa ceva",
    ),
    405: (
        "This cannot be done here",
        "Dette kan ikke gjøres her",
        "Detta kan inte göras här",
        "Det kan ikke gøres her",
        "Acest lucru nu se poate face aici",
    ),
    409: (
        "This is not possible now",
        "Dette er ikke mulig nå",
        "Detta är inte möjligt nu",
        "Det er ikke muligt nu",
        "Acum nu este posibil",
    ),
    412: (
        "Somebody else was faster",
        "Noen andre var raskere",
        "Någon annan hann före",
        "En anden kom først",
        "Altcineva a fost mai rapid",
    ),
    413: (
        "The request is too large",
        "Forespørselen er for stor",
        "Förfrågan är för stor",
        "Forespørgslen er for stor",
        "Cererea este prea mare",
    ),
    415: (
        "We only read JSON here",
        "Her leser vi bare JSON",
        "Här läser vi bara JSON",
        "Her læser vi kun JSON",
        "Aici citim doar JSON",
    ),
    422: (
        "Something in the request is not right",
        "Noe i forespørselen stemmer ikke",
        "Något i förfrågan stämmer inte",
        "Noget i forespørgslen er ikke rigtigt",
        "Ceva din cerere nu este corect",
    ),
    428: (
        "An Idempotency-Key is needed",
        "En Idempotency-Key kreves",
        "En Idempotency-Key krävs",
        "En Idempotency-Key er nødvendig",
        "Este nevoie de un Idempotency-Key",
    ),
    429: (
        "Too many requests",
        "For mange forespørsler",
        "För många förfrågningar",
        "For mange forespørgsler",
        "Prea multe cereri",
    ),
    500: (
        "Something went wrong on our side",
        "Noe gikk galt hos oss",
        "Något gick fel hos oss",
        "Noget gik galt hos os",
        "Ceva nu a mers bine la noi",
    ),
    503: (
        "We are busy right now",
        "Vi er opptatt akkurat nå",
        "Vi är upptagna just nu",
        "Vi har travlt lige nu",
        "Suntem ocupați acum",
    ),
}

OF_CODE: Final[dict[str, Title]] = {
    "insufficient_stock": (
        "There is too little in stock",
        "Det er for lite på lager",
        "Det finns för lite i lager",
        "Der er for lidt på lager",
        "Stocul este insuficient",
    ),
    "wrong_code": (
        "The code is not right",
        "Koden stemmer ikke",
        "Koden stämmer inte",
        "Koden er ikke rigtig",
        "Codul nu este corect",
    ),
    "already_collected": (
        "This was collected before",
        "Dette er allerede hentet",
        "Detta är redan hämtat",
        "Det er allerede hentet",
        "Comanda a fost deja ridicată",
    ),
    "other_store": (
        "This waits in another store",
        "Dette venter i en annen butikk",
        "Detta väntar i en annan butik",
        "Det venter i en anden butik",
        "Comanda așteaptă în alt magazin",
    ),
    "not_a_member": (
        "You are not a member yet",
        "Du er ikke medlem ennå",
        "Du är inte medlem än",
        "Du er ikke medlem endnu",
        "Nu sunteți încă membru",
    ),
    "idempotency_key_reused": (
        "This key already stands for another request",
        "Denne nøkkelen hører til en annen forespørsel",
        "Den här nyckeln hör till en annan förfrågan",
        "Denne nøgle hører til en anden forespørgsel",
        "Această cheie aparține altei cereri",
    ),
    "in_progress": (
        "The first request is still running",
        "Den første forespørselen pågår fortsatt",
        "Den första förfrågan pågår fortfarande",
        "Den første forespørgsel er stadig i gang",
        "Prima cerere este încă în curs",
    ),
}


def title_of(code: str, status: int, locale: str) -> str:
    title = OF_CODE.get(code) or OF_STATUS.get(status) or OF_STATUS[400]
    return title[LOCALES.index(locale)]
