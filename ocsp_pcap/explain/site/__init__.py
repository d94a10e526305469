"""Knowledge of the proxies that the engineer gives, and where each piece of it comes from.

Our own site file (TOML) says it in our words; the configuration of a product says it in that product's.
Each reader turns one form into the same model, with the file and line of every value, so that an
explanation can quote it and weigh it: what is documented and tried against the real program may carry
a proof, what is read from a form that could not be tried is a sign.
"""

from ocsp_pcap.explain.site.model import AuthorityCertificate, Proxy, ProxyRole, Site, SiteError, Source

__all__ = ["AuthorityCertificate", "Proxy", "ProxyRole", "Site", "SiteError", "Source"]
