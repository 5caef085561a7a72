"""Given names and their short forms: a modest table. Two names on it are never taken for a slip.

One person's names stand on one line, the full name first; a short form may stand on several lines. Spelt in
Latin letters as `latin.latin` writes them; folded by sound when the table is read.
"""

from customers.latin import sound

_TABLE = """
aleksandr sanek sasha sanya shura alexander alex alexandre
aleksandra sasha sanya shura alexandra alex
aleksey lesha alyosha lyosha lekha alexey alexei aleks
anastasiya nastya nastasya anastasia stacy
anatoliy tolya anatoly
andrey andryusha andrei
angelina lina gelya
anna anya nyura anyuta nyusha anne ann
antonina tonya
anton antosha tosha
arkadiy arkasha
artem tema artyom
artur artour
boris borya
valentin valya
valentina valya
valeriy valera
valeriya lera valeria
varvara varya barbara
vasiliy vasya vasily
vera verochka
veronika nika veronica
viktor vitya victor vic
viktoriya vika victoria vicky
vitaliy vitalik vitaly
vladimir vova volodya vladimer
vladislav vlad vladik
vyacheslav slava
galina galya
gennadiy gena
georgiy gosha zhora egor george
grigoriy grisha gregory
darya dasha daria
denis den
dmitriy dimon dima mitya dimitri dmitri
evgeniy zheka zhenya evgeny eugene
evgeniya zhenya evgenia
ekaterina katya kate katerina catherine
elena lena alena helena
elizaveta liza elizabeth
zinaida zina
zoya zoe
ivan vanya ioann
igor igorek
ilya ilyusha elijah
inna innochka
irina ira irene
konstantin kostya kostik
kirill kir cyril
kristina kristi christina
kseniya ksyusha oksana ksenia
larisa lara
leonid lenya
lidiya lida lydia
lyubov lyuba
lyudmila lyuda mila ludmila
maksim maks maxim max
margarita rita
marina marinka
mariya masha marusya manya maria mary
matvey motya
mikhail misha mike michael
nadezhda nadya nadia
natalya natasha nata natalia nataliya
nikita nikitka
nikolay kolyan kolya nikolai nicholas
nina ninochka
oksana ksyusha
oleg olezhka
olga olya
pavel pasha paul
petr petya peter
polina polya
raisa raya
roman roma
svetlana sveta lana
sergey serezha seryozha serega sergei serge
sofya sonya sofiya sophia sofia
stanislav stas
stepan stepa
tamara toma
tatyana tanya tatiana
timur tima
fedor fedya fyodor theodor
eduard edik edward
yuliya yulya julia yulia
yuriy yura yury
yana yanochka
yaroslav yarik
yakov yasha
nurlan nurik
nursultan nurik
dinara dina
ayman aiman
alibek alik
daniyar dan
zhanna zhanka
saule saulesha
gulnara gulya
gulnar gulya
aygul gulya aigul
aynur ainur
william bill billy will willy liam
robert bob bobby rob robbie bert
richard rick dick rich ricky
james jim jimmy jamie
john jack johnny jon
joseph joe joey
michael mike mick mickey
thomas tom tommy
charles charlie chuck
christopher chris kit topher
christian chris
christine chris tina christina
daniel dan danny
david dave davey
edward ed eddie ted ned
elizabeth liz beth betty lizzie eliza betsy
margaret maggie meg peggy marge
katherine kate kathy katie cathy kat
catherine kate kathy katie cathy cat
patricia pat patty tricia
patrick pat paddy
jennifer jen jenny
jessica jess jessie
susan sue suzie susie
deborah deb debbie debra
barbara barb babs
rebecca becky becca
kimberly kim kimmy
stephanie steph
stephen steve stevie
steven steve stevie
andrew andy drew
anthony tony
benjamin ben benny
samuel sam sammy
samantha sam sammy
alexander al sandy
alfred al fred
albert al bert
frederick fred freddy
frank francis frankie
gregory greg
jeffrey jeff
gerald jerry
kenneth ken kenny
lawrence larry
leonard leo len lenny
matthew matt
nicholas nick nicky
nathan nate
peter pete
philip phil
raymond ray
ronald ron ronnie
donald don donnie
timothy tim timmy
theodore ted teddy theo
walter walt wally
victoria vicky tori
virginia ginny
dorothy dot dottie
cynthia cindy
sandra sandy
pamela pam
jacqueline jackie
judith judy
linda lindy
nancy nan
teresa terry tess theresa
jonathan jon johnny
joshua josh
zachary zach zack
amanda mandy
abigail abby
angela angie
bonnie bonny
evelyn eve evie
johannes hans johann
joachim jochen
katharina kathi kathrin
matthias matze
sebastian basti
susanne susi
ursula uschi
wolfgang wolfi
guenter gunther
hildegard hilde
mehmet memo
mustafa musti
ibrahim ibo
suleyman sulo
fatma fatos
hatice hatce
huseyin huso
ismail iso
yusuf yusi
zeynep zeyno
"""
_ALONE = """
adam aisha alan albina alice alina alla ali ahmet amy ana andrea andreas ayse aylin ayten baris bayan
bekir bolat brian bruce bulent burak busra can canan carl carol caroline cem claudia daniil danil danila
deniz denise derya diana diane dietmar dmitry donna doris douglas elif emine emma emre erika erlan eric
ercan eren erik ernst esra eva fatih filipp gabriel gabriele german gizem gleb gulsen gary grace hakan
halil hande hanna harold hasan heather heike helen helga henry inga ines ingrid ivana ivanna jan jane
janet jason jean joan joyce juan judith julie justin kamil karen karin karl karla keith kelly kemal
kevin klaus klara kyle laura lauren leyla lina lisa louis luis luise maya marat marie marion mark marko
marta martin martina megan melissa melike merve meryem michaela monika murat nazar noah norbert nuray
nurgul nurten okan olesya omer onur orhan oscar ozan ozlem paula pauline philipp rainer ralf ralph
ramazan ravil regina renate renat rinat roger rosa rosalia rose roza ruslan ruslana russell ruth ryan
sabina sabine sadik salih sara sarah saniya sean selim selin semen serap serdar sergio serkan sevda
sevgi shirley sibel sinem sonja stefan stefanie sven tarik taras terence tyler ufuk ugur uwe valery
vadim viola wayne werner willie yasemin yasin yerlan yilmaz yusuf zafer zarina zeki zehra zlata yulian
julian ayan aydin aydan aydos askar asel aselya aliya adil anar anara arman arsen azamat baurzhan
botagoz dana dauren dias dinmukhamed ermek gaukhar kayrat kamila karlygash madina madi meruert mukhtar
sabit samal sanzhar serik talgat tolegen togzhan ulan zhandos zhanar zhibek
"""
_GROUPS: dict[str, frozenset[int]] = {}
for _number, _line in enumerate([*_TABLE.split("\n"), *_ALONE.split()]):
    for _name in {sound(word) for word in _line.split()}:
        _GROUPS[_name] = _GROUPS.get(_name, frozenset()) | {_number}


def same(a: str, b: str) -> bool | None:
    """Whether two folded names are one name; None when one of them isn't on the table."""
    if (left := _GROUPS.get(a)) is None or (right := _GROUPS.get(b)) is None:
        return None
    return not left.isdisjoint(right)


def known(name: str) -> bool:
    """True for a folded given name on the table."""
    return name in _GROUPS
