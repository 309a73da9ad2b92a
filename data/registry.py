"""The table of data sets: where each is published, how it is checked, and on what terms it may be used.

A checksum stands here only where its source states it; `Checksum.source` names that source. Where none is
stated, `data.download` records the first download's sha256 and compares later ones with it.
"""

from __future__ import annotations

from dataclasses import dataclass

FASTAI = "https://s3.amazonaws.com/fast-ai-"
GROUPLENS = "https://files.grouplens.org/datasets/movielens/"
OXFORD = "https://www.robots.ox.ac.uk/~vgg/data/pets/data/"

FASTAI_SOURCE = "fastai/data/download_checks.py"
TORCHVISION_SOURCE = "torchvision/datasets/oxford_iiit_pet.py"
GROUPLENS_TERMS = "GroupLens terms: research use with citation, no redistribution, no commercial use"


@dataclass(frozen=True)
class Checksum:
    """What a file must hash to.

    `algorithm` is `sha256`, `md5`, or `md5-first-mib` (fastai's own: md5 of the first MiB, and the size).
    """

    algorithm: str
    value: str
    source: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.value}"


@dataclass(frozen=True)
class Archive:
    """One file at a publisher: its address, its size in bytes and its checksum, where they are known."""

    address: str
    bytes: int | None = None
    checksum: Checksum | None = None

    @property
    def file_name(self) -> str:
        return self.address.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Card:
    """One data set. `archives` is empty for an embedded one; `present` is filled in by `data.cards()`.

    `prepare` names the step of `data.prepare` that tidies what was unpacked, and `entry` the file inside
    that is the data set where it is not the whole folder.
    """

    name: str
    app: str
    title: str
    licence: str
    what: str
    archives: tuple[Archive, ...] = ()
    prepare: str = "as_published"
    entry: str = ""
    present: bool = False

    @property
    def embedded(self) -> bool:
        return not self.archives


def _fastai(path: str, size: int, md5_first_mib: str) -> tuple[Archive, ...]:
    """A file of fastai's with the size and the check that the installed fastai states for it."""
    return (Archive(FASTAI + path, size, Checksum("md5-first-mib", md5_first_mib, FASTAI_SOURCE)),)


def _grouplens(file: str, size: int, md5: str) -> tuple[Archive, ...]:
    """A file of GroupLens's with the md5 that stands beside it as FILE.md5."""
    return (Archive(GROUPLENS + file, size, Checksum("md5", md5, f"{GROUPLENS}{file}.md5")),)


def _pets(file: str, size: int, md5: str) -> Archive:
    return Archive(OXFORD + file, size, Checksum("md5", md5, TORCHVISION_SOURCE))


PUBLISHED: tuple[Card, ...] = (
    Card(
        name="ml-100k",
        app="collab",
        title="MovieLens 100K",
        licence=GROUPLENS_TERMS,
        what="100,000 ratings of 1,682 films by 943 people, with the official u1..u5 splits",
        archives=_grouplens("ml-100k.zip", 4_924_029, "0e33842e24a9c977be4e0107933c0723"),
    ),
    Card(
        name="ml-1m",
        app="collab",
        title="MovieLens 1M",
        licence=GROUPLENS_TERMS,
        what="1,000,209 ratings of 3,706 films by 6,040 people",
        archives=_grouplens("ml-1m.zip", 5_917_549, "c4d9eecfca2ab87c1945afe126590906"),
    ),
    Card(
        name="adult",
        app="tabular",
        title="UCI Adult (Census Income)",
        licence="CC BY 4.0",
        what="48,842 people of the 1994 census, 14 mixed columns; target: salary above or below 50K",
        archives=(Archive("https://archive.ics.uci.edu/static/public/2/adult.zip"),),
        prepare="adult",
    ),
    Card(
        name="imdb",
        app="text",
        title="Large Movie Review Dataset",
        licence="no explicit licence; research use, cite Maas et al. 2011",
        what="25,000 + 25,000 film reviews, positive or negative",
        archives=(Archive("https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz", 84_125_825),),
        prepare="imdb",
    ),
    Card(
        name="ag-news",
        app="text",
        title="AG News",
        licence="no explicit licence; research and other non-commercial use",
        what="120,000 + 7,600 news items in four sections (fastai's copy of Zhang et al. 2015)",
        archives=_fastai("nlp/ag_news_csv.tgz", 11_784_419, "b86f328f4dbd072486591cb7a5644dcd"),
        prepare="ag_news",
    ),
    Card(
        name="sst-2",
        app="text",
        title="Stanford Sentiment Treebank, GLUE SST-2",
        licence="no explicit licence; research use, cite Socher et al. 2013",
        what="67,349 phrases to train; GLUE's 872 dev sentences are the test (its own test has no labels)",
        archives=(Archive("https://dl.fbaipublicfiles.com/glue/data/SST-2.zip"),),
        prepare="sst_2",
    ),
    Card(
        name="oxford-pets",
        app="vision",
        title="Oxford-IIIT Pet",
        licence="CC BY-SA 4.0",
        what="3,680 + 3,669 photographs of 37 breeds of cats and dogs, the official split",
        archives=(
            _pets("images.tar.gz", 791_918_971, "5c4f3ee8e5d25df40f4fd59a7f44e54c"),
            _pets("annotations.tar.gz", 19_173_078, "95a8c909bbe2e81eed6a22bccdf3f68f"),
        ),
        prepare="oxford_pets",
    ),
    Card(
        name="imagenette-160",
        app="vision",
        title="Imagenette, 160 pixels",
        licence="Apache-2.0 (fastai); the pictures are ImageNet's: non-commercial research",
        what="9,469 + 3,925 photographs of ten easy ImageNet classes",
        archives=_fastai("imageclas/imagenette2-160.tgz", 99_003_388, "c475f8f7617a200ba35b9facc48443c3"),
        prepare="imagenette",
    ),
    Card(
        name="cifar-10",
        app="vision",
        title="CIFAR-10",
        licence="no explicit licence; cite Krizhevsky 2009",
        what="50,000 + 10,000 pictures of 32x32 pixels in ten classes (fastai's PNG copy)",
        archives=_fastai("sample/cifar10.tgz", 168_168_549, "a5f8c31371b63a406b23368042812d3c"),
        prepare="image_folders",
    ),
    Card(
        name="adult_sample",
        app="tabular",
        title="fastai's adult sample",
        licence="CC BY 4.0 (UCI Adult)",
        what="32,561 rows of UCI Adult as one table; target: salary",
        archives=_fastai("sample/adult_sample.tgz", 968_212, "64eb9d7e23732de0b138f7372d15492f"),
        prepare="adult_sample",
        entry="adult.csv",
    ),
    Card(
        name="imdb_sample",
        app="text",
        title="fastai's IMDb sample",
        licence="no explicit licence; research use, cite Maas et al. 2011",
        what="1,000 film reviews: 800 to train, 200 to validate",
        archives=_fastai("sample/imdb_sample.tgz", 571_827, "0842e61a9867caa2e6fbdb14fa703d61"),
        prepare="imdb_sample",
    ),
    Card(
        name="movie_lens_sample",
        app="collab",
        title="fastai's MovieLens sample",
        licence=GROUPLENS_TERMS,
        what="6,031 ratings of the 100 most active people and films",
        archives=_fastai("sample/movie_lens_sample.tgz", 51_790, "10961384dfe7c5181460390a460c1f77"),
        entry="ratings.csv",
    ),
    Card(
        name="mnist_tiny",
        app="vision",
        title="fastai's MNIST sample",
        licence="CC BY-SA 3.0 (MNIST)",
        what="709 + 699 handwritten threes and sevens of 28x28 pixels",
        archives=_fastai("sample/mnist_tiny.tgz", 342_207, "56143e8f24db90d925d82a5a74141875"),
        prepare="image_folders",
    ),
)

EMBEDDED_CARDS: tuple[Card, ...] = (
    Card(
        name="digits",
        app="vision",
        title="Handwritten digits (scikit-learn)",
        licence="CC BY 4.0 (UCI Optical Recognition of Handwritten Digits)",
        what="1,797 grey pictures of 8x8 pixels, ten digits",
    ),
    Card(
        name="docstrings",
        app="text",
        title="Documentation of the installed libraries",
        licence="the libraries' own (BSD, MIT, PSF-like)",
        what="first paragraphs of functions and classes; which library is each from?",
        entry="docstrings.csv",
    ),
    Card(
        name="breast-cancer",
        app="tabular",
        title="Breast cancer, Wisconsin (scikit-learn)",
        licence="CC BY 4.0 (UCI Breast Cancer Wisconsin Diagnostic)",
        what="569 tumours, 30 measurements of cell nuclei; target: diagnosis, malignant or benign",
        entry="breast-cancer.csv",
    ),
    Card(
        name="diabetes",
        app="tabular",
        title="Diabetes progression (scikit-learn)",
        licence="no explicit licence; cite Efron et al. 2004",
        what="442 patients, ten measurements; target: progression after a year (regression)",
        entry="diabetes.csv",
    ),
    Card(
        name="imports",
        app="collab",
        title="Modules and the names they import",
        licence="the libraries' own (BSD, MIT, Apache-2.0, PSF-like)",
        what="source modules of the installed libraries as users, imported names as items; no ratings",
        entry="imports.csv",
    ),
)

CARDS: dict[str, Card] = {card.name: card for card in EMBEDDED_CARDS + PUBLISHED}
