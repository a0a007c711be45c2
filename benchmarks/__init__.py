"""The measurements that the documents quote; each is one command against a running POK."""
