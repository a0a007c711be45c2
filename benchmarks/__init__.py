"""The measurements that the documents quote; `make bench` runs most of them, and each says by which command."""
