"""The default taxonomy: ten categories that fit most businesses; admins change them later."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CATEGORIES = (
    (
        "billing_payment",
        "Facturación y pagos",
        "Billing and payments",
        "Charges, invoices, receipts, payment methods, failed or double payments, fees.",
    ),
    (
        "shipping_delivery",
        "Envíos y entregas",
        "Shipping and delivery",
        "Where a parcel is, delays, delivery address, missing or undelivered parcels, tracking.",
    ),
    (
        "orders_cancellations",
        "Pedidos y cancelaciones",
        "Orders and cancellations",
        "Placing, changing or cancelling an order, a booking, a subscription or a contract.",
    ),
    (
        "returns_refunds",
        "Devoluciones y reembolsos",
        "Returns and refunds",
        "Returns, exchanges, refunds, damaged or wrong items, warranty.",
    ),
    (
        "account_access",
        "Cuenta y acceso",
        "Account and access",
        "Login, password, registration, profile, verification, closing the account, personal data.",
    ),
    (
        "technical_issue",
        "Problemas técnicos",
        "Technical issues",
        "A product, app, site or network that does not work.",
    ),
    (
        "product_sales",
        "Productos y ventas",
        "Products and sales",
        "Questions before buying: price, stock, features, compatibility, quotes.",
    ),
    (
        "complaint_feedback",
        "Quejas y sugerencias",
        "Complaints and feedback",
        "Complaints about service or people, praise, suggestions.",
    ),
    (
        "security_fraud",
        "Seguridad y fraude",
        "Security and fraud",
        "Unknown charges, stolen card or phone, hacked account, phishing, disputes.",
    ),
    (
        "general_other",
        "General y otros",
        "General and other",
        "Greetings, asking for a human, jobs, partners, marketing, spam.",
    ),
)

category = sa.table(
    "category",
    sa.column("key", sa.Text),
    sa.column("position", sa.Integer),
    sa.column("name_es", sa.Text),
    sa.column("name_en", sa.Text),
    sa.column("description", sa.Text),
)


def upgrade() -> None:
    """Fill an empty taxonomy."""
    names = [column.name for column in category.columns if column.name != "position"]
    op.bulk_insert(
        category,
        [{**dict(zip(names, row, strict=True)), "position": position} for position, row in enumerate(CATEGORIES, 1)],
    )
    op.execute("insert into knowledge (version) values (1)")


def downgrade() -> None:
    """Empty it again."""
    op.execute("delete from knowledge")
    op.execute("delete from category")
