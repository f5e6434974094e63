"""A few plain sentences in several languages, by ISO 639-1 code; our own."""

SENTENCES = {
    "en": (
        "Good morning, everyone. Yesterday we walked along the river until it got dark, then took the train home.",
        "The children would like to know whether there will be snow next week, because they have bought a new sledge.",
        "Please close the window before you leave, and put the keys on the table next to the telephone.",
    ),
    "it": (
        "Buongiorno a tutti. Ieri abbiamo camminato lungo il fiume finché non è diventato buio.",
        "I bambini vorrebbero sapere se la settimana prossima nevicherà, perché hanno comprato una slitta nuova.",
        "Per favore, chiuda la finestra prima di uscire e metta le chiavi sul tavolo.",
    ),
    "ru": (
        "Доброе утро. Вчера мы гуляли вдоль реки, пока не стало темно, а потом поехали домой на поезде.",
        "Дети хотят узнать, будет ли на следующей неделе снег, потому что они купили новые санки.",
        "Пожалуйста, закройте окно перед уходом и положите ключи на стол рядом с телефоном.",
    ),
    "cs": (
        "Dobré ráno vám všem. Včera jsme šli podél řeky, dokud se nesetmělo, a potom jsme jeli vlakem domů.",
        "Děti by chtěly vědět, jestli příští týden bude sněžit, protože si koupily nové sáňky.",
        "Prosím, zavřete okno, než odejdete, a položte klíče na stůl vedle telefonu.",
    ),
    "fi": (
        "Hyvää huomenta kaikille. Eilen kävelimme joen rantaa pitkin, kunnes tuli pimeä, ja menimme junalla kotiin.",
        "Lapset haluaisivat tietää, sataako ensi viikolla lunta, koska he ovat ostaneet uuden kelkan.",
        "Sulkekaa ikkuna ennen kuin lähdette, ja pankaa avaimet pöydälle puhelimen viereen.",
    ),
    "ca": (
        "Bon dia a tothom. Ahir vam caminar per la vora del riu fins que es va fer fosc.",
        "Els nens voldrien saber si la setmana vinent nevarà, perquè han comprat un trineu nou.",
        "Si us plau, tanqueu la finestra abans de sortir i deixeu les claus damunt la taula.",
    ),
}
