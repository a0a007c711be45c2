"""Short ways to write what the tests send."""

from pok.ai.v1 import analysis_pb2 as pb

from ai_service.analysis import Author, Inquiry, Turn


def request(text: str, *, subject: str = "", name: str = "", knowledge_version: int = 0) -> pb.AnalyzeRequest:
    """An inquiry of one message."""
    return pb.AnalyzeRequest(
        inquiry_id="0197-test",
        customer_name=name,
        subject=subject,
        conversation=[pb.Turn(author=pb.AUTHOR_CUSTOMER, text=text)],
        knowledge_version=knowledge_version,
    )


def inquiry(*texts: str, subject: str = "", name: str = "") -> Inquiry:
    """An inquiry of the customer's messages alone."""
    turns = tuple(Turn(author=Author.CUSTOMER, text=text) for text in texts)
    return Inquiry(customer_name=name, subject=subject, conversation=turns)
