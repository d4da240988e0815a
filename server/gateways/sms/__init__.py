"""Short messages over SMPP 3.4: the packets, the texts of delivery reports, and a link that is kept up."""
