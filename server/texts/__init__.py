"""What the server says to people, in every language of the profiles (POST-11).

The texts in the code are English; those in the other languages stand in
`locale/*/LC_MESSAGES/namak-server.po`, which `scripts/texts` compiles. Programs match on reasons and never
read any of this.
"""
