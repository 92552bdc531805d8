"""Every survey that can be loaded: what it is, under which licence, how to get it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SurveyCard:
    """What a person wants to know before using a survey, and where it is kept."""

    name: str
    """For the command line."""

    title: str

    signal: str
    """CSI or RSS."""

    environments: tuple[str, ...]
    """Names of the days, months or areas of the complete survey; empty where they
    are not known or there is no such thing."""

    licence: str

    may_ship: bool
    """Whether the data may be passed on with a product. Results may always be
    published, with the citation."""

    citation: str
    url: str

    obtain: tuple[str, ...]
    """Commands that put the originals below ``data/raw``."""

    module: str
    """Module of `trainer.surveys` with ``from_compact`` and ``from_original``."""

    folders: tuple[str, ...]
    """Names that the folder of the originals may have, the clone's among them."""

    compact_file: str | None
    """Name of the compact copy."""

    reads_originals: bool = True

    is_simulated: bool = False
    """No radio has received any of it."""

    n_lowest_tones: int | None = None
    """How many of an image's tones lie in its lowest 20 MHz; None: all of them."""

    @property
    def is_made_here(self) -> bool:
        """Whether it is made whenever it is loaded: there are no files."""
        return self.is_simulated and self.compact_file is None


def _clone(repository: str, commit: str, folder: str) -> tuple[str, ...]:
    return (
        f"git clone https://github.com/{repository} data/raw/{folder}",
        f"git -C data/raw/{folder} checkout {commit}",
    )


def _zenodo(record: int, folder: str) -> tuple[str, ...]:
    archive = f"data/raw/{folder}/zenodo.zip"
    url = f"https://zenodo.org/api/records/{record}/files-archive"
    return (
        f"mkdir -p data/raw/{folder}",
        f"curl -fL {url} -o {archive}",
        f"(cd data/raw/{folder} && unzip zenodo.zip && rm zenodo.zip"
        " && for f in *.zip; do unzip $f; done)",
    )


def _simulated(name: str, what: str) -> SurveyCard:
    return SurveyCard(
        name=name,
        title=f"Simulated {what}: 90 points, 3 access points, 5 days",
        signal="CSI",
        environments=("d1", "d2", "d3", "d4", "d5"),
        licence="MIT",
        may_ship=True,
        citation="none needed; say that it is simulated",
        url="docs/surveys.md",
        obtain=(),
        module="simulated",
        folders=(),
        compact_file=None,
        reads_originals=False,
        is_simulated=True,
    )


_CSU_SEGMENTS = (
    "path1 b8:3a:5a:b2:6e:70 ch48",
    "path1 b8:3a:5a:b2:99:90 ch48",
    "path2 b8:3a:5a:b2:67:90 ch64",
    "path3 00:4e:35:ec:19:b0 ch108",
    "path4 00:4e:35:ec:19:b0 ch52",
    "path4 00:4e:35:ec:19:b0 ch108",
    "path5 b8:3a:5a:b2:9c:70 ch56",
    "path5 d0:d3:e0:97:c5:70 ch140",
)
_UMDSI_SURVEYS = (
    "2019-02-19",
    "2019-03-25",
    "2019-06-11",
    "2019-07-03",
    "2019-07-29",
    "2019-09-11",
    "2019-10-09",
    "2019-11-13",
    "2019-12-11",
    "2020-01-15",
    "2020-02-19",
    "2021-04-23",
)
_CSUHET_PHONES_IN_BUILDINGS = tuple(
    f"{building}-{phone}"
    for building in ("engr0", "engr1", "glover", "libstudy", "sciences")
    for phone in ("BLU", "HTC", "LG", "MOTO", "OP3", "S7")
)
_METALOC_DAYS = tuple(
    [f"hall-{day}" for day in ("0609", "0623", "0630", "0707", "0714")]
    + [f"lab-{day}" for day in ("0721", "0819", "0831", "0924", "0925")]
)

CARDS = (
    SurveyCard(
        name="polyu",
        title="PolyU CSI_IPS 2020-21: 8 spots, Intel 5300, 27 days in 5 months",
        signal="CSI",
        environments=tuple(f"d{day:02d}" for day in range(2, 29)),
        licence="MIT",
        may_ship=True,
        citation="J. R. Reyes et al., Expert Systems with Applications, 2024, "
        "doi:10.1016/j.eswa.2024.125802",
        url="https://github.com/iVANET-PolyU/CSI_IPS_2020-21",
        obtain=_clone("iVANET-PolyU/CSI_IPS_2020-21", "e7b4066", "polyu"),
        module="polyu",
        folders=("polyu", "CSI_IPS_2020-21"),
        compact_file="polyu_csi.npz",
        n_lowest_tones=15,
    ),
    SurveyCard(
        name="crisloc",
        title="CRISLoc: Nexus 5 with Nexmon, laboratory and three areas of a floor",
        signal="CSI",
        environments=("corridor", "lab", "lobby", "office"),
        licence="none stated",
        may_ship=False,
        citation="Z. Gao et al., CRISLoc: Reconstructable CSI Fingerprinting for "
        "Indoor Smartphone Localization, IEEE Internet of Things Journal 8(5), 2020",
        url="https://github.com/Fudan-MediaNET/CRISLoc",
        obtain=_clone("Fudan-MediaNET/CRISLoc", "ff6d25f", "crisloc"),
        module="crisloc",
        folders=("crisloc", "CRISLoc"),
        compact_file="crisloc_csi.npz",
    ),
    SurveyCard(
        name="csu",
        title="EPIC-CSU: Raspberry Pi with Nexmon along corridors, one access point",
        signal="CSI",
        environments=_CSU_SEGMENTS,
        licence="BSD-3-Clause",
        may_ship=True,
        citation="L. Wang, S. Pasricha, A Framework for CSI-Based Indoor Localization "
        "with 1D Convolutional Neural Networks, IPIN 2022",
        url="https://github.com/EPIC-CSU/csi-rssi-dataset-indoor-nav",
        obtain=_clone("EPIC-CSU/csi-rssi-dataset-indoor-nav", "3801fd8", "csu"),
        module="csu_segments",
        folders=("csu", "csi-rssi-dataset-indoor-nav"),
        compact_file="csu_csi.npz",
    ),
    SurveyCard(
        name="mtloc",
        title="MTLocData: office, 92 days and 24 weeks in 15 months; mall",
        signal="RSS",
        environments=(),
        licence="BSD-3-Clause file, but the read-me says research only",
        may_ship=False,
        citation="J. Wang et al., Automatic Update for Wi-Fi Fingerprinting Indoor "
        "Localization via Multi-Target Domain Adaptation, Proc. ACM IMWUT, 2023",
        url="https://github.com/WirelessGroupTJU/MTLocData",
        obtain=_clone("PCu1106/Experiment", "3a00fd0", "mtloc"),
        module="mtloc",
        folders=("mtloc", "MTLocData", "Experiment"),
        compact_file="mtloc_office_rss.npz",
    ),
    SurveyCard(
        name="umdsi",
        title="UM_DSI: faculty building, 12 surveys in 26 months",
        signal="RSS",
        environments=_UMDSI_SURVEYS,
        licence="CC BY 4.0",
        may_ship=True,
        citation="I. Silva, C. Pendão, A. Moreira, Collection of a Continuous "
        "Long-Term Dataset for the Evaluation of Wi-Fi-Fingerprinting-Based "
        "Indoor Positioning Systems, Sensors 22(22), 2022, doi:10.3390/s22228585",
        url="https://doi.org/10.5281/zenodo.6646008",
        obtain=_zenodo(6646008, "umdsi"),
        module="umdsi",
        folders=("umdsi", "UM_DSI_DB_v1.0.0", "UM_DSI_DB_v1.0.0_lite"),
        compact_file="umdsi_rss.npz",
    ),
    SurveyCard(
        name="uji",
        title="UJI_LIB v2: library, two floors, 25 months",
        signal="RSS",
        environments=tuple(f"m{month:02d}" for month in range(1, 26)),
        licence="CC BY 4.0",
        may_ship=True,
        citation="G. M. Mendoza-Silva et al., Long-Term WiFi Fingerprinting Dataset "
        "for Research on Robust Indoor Positioning, Data 3(1), 2018",
        url="https://doi.org/10.5281/zenodo.1066041",
        obtain=_zenodo(1066041, "uji_lib"),
        module="uji",
        folders=("uji_lib", "uji", "UJI_LIB_DB_v2"),
        compact_file="uji_lib_rss.npz",
    ),
    SurveyCard(
        name="ncepu",
        title="NCEPU: university building, 6 weeks, one of them also backwards",
        signal="RSS",
        environments=("w01", "w02", "w03", "w04", "w05", "w06", "w95"),
        licence="MIT",
        may_ship=True,
        citation="H. Zhou, NCEPU Wi-Fi fingerprint database, GitHub, 2020",
        url="https://github.com/zhouhongbo/ncepu-wifi-fingerprint-database",
        obtain=_clone("zhouhongbo/ncepu-wifi-fingerprint-database", "aacdd44", "ncepu"),
        module="ncepu",
        folders=("ncepu", "ncepu-wifi-fingerprint-database"),
        compact_file="ncepu_rss.npz",
    ),
    SurveyCard(
        name="csuhet",
        title="CSUIndoorLoc-Het: five buildings, six phones each",
        signal="RSS",
        environments=_CSUHET_PHONES_IN_BUILDINGS,
        licence="none stated",
        may_ship=False,
        citation="S. Tiku, D. Gufran, S. Pasricha, Multi-Head Attention Neural Network "
        "for Smartphone Invariant Indoor Localization, IPIN 2022",
        url="https://github.com/EPIC-CSU/heterogeneous-rssi-indoor-nav",
        obtain=_clone("EPIC-CSU/heterogeneous-rssi-indoor-nav", "e63c927", "csuhet"),
        module="csuhet",
        folders=("csuhet", "heterogeneous-rssi-indoor-nav"),
        compact_file="csuhet_rss.npz",
        reads_originals=False,
    ),
    SurveyCard(
        name="sod",
        title="SODIndoorLoc: three buildings, surveyed once",
        signal="RSS",
        environments=("CETC331", "HCXY", "SYL"),
        licence="none stated",
        may_ship=False,
        citation="J. Bi, Supplementary Open Dataset for WiFi Fingerprint-based Indoor "
        "Localization, https://github.com/renwudao24/SODIndoorLoc",
        url="https://github.com/renwudao24/SODIndoorLoc",
        obtain=_clone("renwudao24/SODIndoorLoc", "bfe8f63", "sod"),
        module="sod",
        folders=("sod", "SODIndoorLoc"),
        compact_file="sod_rss.npz",
    ),
    SurveyCard(
        name="metaloc",
        title="MetaLoc: the paper's own images, hall and laboratory, five days each",
        signal="CSI",
        environments=_METALOC_DAYS,
        licence="none stated",
        may_ship=False,
        citation="J. Gao et al., MetaLoc: Learning to Learn Wireless Localization, "
        "IEEE Journal on Selected Areas in Communications, 2023",
        url="https://github.com/StatFusion/MetaLoc",
        obtain=(
            "# in a browser, from the folder that the read-me links:",
            "# https://drive.google.com/open?id=1Xa6p-ap-KSqskMX7WGl9zYllnp8r7FH7",
            "# unpack it below data/raw/metaloc",
        ),
        module="metaloc",
        folders=("metaloc", "MetaLoc"),
        compact_file=None,
    ),
    SurveyCard(
        name="device",
        title="Calibration recordings of your own agent",
        signal="CSI",
        environments=(),
        licence="yours",
        may_ship=True,
        citation="none needed",
        url="docs/surveys.md",
        obtain=(
            "edge_agent adapt survey.csv --site SITE",
            "# copy the site's folder, which has shots.npz, below data/raw/device",
        ),
        module="device",
        folders=("device",),
        compact_file=None,
    ),
    SurveyCard(
        name="pathloss",
        title="Simulated from path-loss models of the paper: any number of days",
        signal="RSS",
        environments=(),
        licence="yours",
        may_ship=True,
        citation="none needed; say that it is simulated",
        url="docs/simulation.md",
        obtain=("trainer simulate rss data --model c --correlated",),
        module="pathloss",
        folders=(),
        compact_file="pathloss_rss.npz",
        reads_originals=False,
        is_simulated=True,
    ),
    _simulated("simhall", "hall like the paper's, in sight"),
    _simulated("simlab", "laboratory like the paper's, out of sight"),
)
"""In the order in which they are listed."""
