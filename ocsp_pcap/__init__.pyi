from ocsp_pcap.notebook import Result as Result
from ocsp_pcap.notebook import explain as explain

__version__: str
