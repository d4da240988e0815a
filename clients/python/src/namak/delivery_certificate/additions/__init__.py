"""What stands in a certificate's file behind what its seal is over: nothing, or what keeps it for long.

A signature alone tells nothing of what follows it. Whole updates by the rules of PDF (ISO 32000-2, 7.5.6)
may, and only such as add to the security store (DSS) or a document timestamp that shows nowhere (ETSI EN
319 142-1, 5.4, 5.5). Each update is held against what was there before it: every object in it must have its
place in one of these, say there nothing more than they need, and take nothing away.
"""
