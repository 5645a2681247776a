"""How people and services prove who they are: protocols alone.

Here is no table and no route. What must be remembered comes back as plain data and is handed in
again; the time, randomness and the way to the network are arguments.

    settings     a provider, as its administrator wrote it
    client       one provider at work: what the rest of Lazur calls
      discovery, keys, keeping    what the provider says of itself, and for how long it is believed
      code_flow, device_flow      signing in with a browser here, and with one elsewhere
      id_tokens, people           what a token must say, and who that is
      jwts, public_keys, signatures    the form of a token, and its signature
    device_grants, code_grants    the same two flows with Lazur as the one that is asked
    client_secrets, assertions    services, which have no browser
    codes        what all of these are made of
"""
