"""The names that shops' pages use for the events of the e-commerce spec and for their properties.

Names of events are compared without case, spaces and marks: "Product Added", "product_added", "productAdded".
"""

import re

_EVENTS = {
    # the spec's name: v1 of it; Google Analytics 4, Universal Analytics, Facebook, Shopify and others
    "Products Searched": "Searched Products, search, view_search_results, Search Submitted, Product Searched",
    "Product List Viewed": "Viewed Product List, Viewed Product Category, Product Category Viewed,"
    " view_item_list, Collection Viewed, Category Viewed, Viewed Category, ViewCategory",
    "Product List Filtered": "Filtered Product List, Product List Sorted",
    "Promotion Viewed": "Viewed Promotion, view_promotion, promotionView",
    "Promotion Clicked": "Clicked Promotion, select_promotion, promotionClick",
    "Product Clicked": "Clicked Product, select_item",
    "Product Viewed": "Viewed Product, view_item, ViewContent, productDetail, Product Detail Viewed,"
    " Viewed Item",
    "Product Added": "Added Product, add_to_cart, Product Added to Cart, Added to Cart, Item Added,"
    " Cart Item Added",
    "Product Removed": "Removed Product, remove_from_cart, Product Removed from Cart, Removed from Cart,"
    " Item Removed",
    "Cart Viewed": "Viewed Cart, view_cart",
    "Cart Updated": "Updated Cart",
    "Checkout Started": "Started Checkout, Checkout Initiated, begin_checkout, InitiateCheckout,"
    " Started Order, Order Started",
    "Checkout Step Viewed": "Viewed Checkout Step",
    "Checkout Step Completed": "Completed Checkout Step, add_shipping_info,"
    " Checkout Shipping Info Submitted, Checkout Address Info Submitted,"
    " Checkout Contact Info Submitted",
    "Payment Info Entered": "Entered Payment Info, add_payment_info, Payment Info Submitted,"
    " Payment Info Added",
    "Order Updated": "Updated Order",
    "Order Completed": "Completed Order, purchase, Order Placed, Placed Order, Checkout Completed",
    "Order Refunded": "Refunded Order, refund",
    "Order Cancelled": "Cancelled Order, Order Canceled, Canceled Order",
    "Coupon Entered": "Entered Coupon",
    "Coupon Applied": "Applied Coupon",
    "Coupon Denied": "Denied Coupon",
    "Coupon Removed": "Removed Coupon",
    "Product Added to Wishlist": "Added Product to Wishlist, add_to_wishlist, Added to Wishlist",
    "Product Removed from Wishlist": "Removed Product from Wishlist, remove_from_wishlist,"
    " Removed from Wishlist",
    "Wishlist Product Added to Cart": "Added Wishlist Product to Cart",
    "Product Shared": "Shared Product",
    "Cart Shared": "Shared Cart",
    "Product Reviewed": "Reviewed Product",
}
_LEADS = "Form Submitted, Lead, Lead Submitted, Lead Captured, Lead Generated, generate_lead"


def _squeezed(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def _every(table: dict[str, str]) -> dict[str, str]:
    """The field by each of its names."""
    return {name: field for field, names in table.items() for name in (field, *names.split())}


EVENTS = {
    _squeezed(name): title.lower().replace(" ", "_")
    for title, names in _EVENTS.items()
    for name in (title, *names.split(","))
}
LEADS = frozenset(_squeezed(name) for name in _LEADS.split(","))
SINGLE_PRODUCT = frozenset(
    f"web.{kind}"
    for kind in (
        "product_clicked", "product_viewed", "product_added", "product_removed", "product_shared",
        "product_reviewed", "product_added_to_wishlist", "product_removed_from_wishlist",
        "wishlist_product_added_to_cart", "back_in_stock_asked",
    )
)  # fmt: skip
FIELDS = _every(
    {
        "products": "items contents line_items lineItems",
        "currency": "currency_code currencyCode priceCurrency",
        "cart_id": "cartId cart_token",
        "checkout_id": "checkoutId checkout_token",
        "order_id": "orderId transaction_id transactionId",
        "coupon": "coupon_id coupon_code couponCode",
        "query": "search_term search_string searchTerm",
        "list_id": "listId item_list_id",
        "value": "",
        "revenue": "",
        "total": "total_price totalPrice",
        "subtotal": "subtotal_price subtotalPrice",
        "shipping": "",
        "tax": "",
        "discount": "",
        "step": "checkout_step",
        "payment_method": "paymentMethod payment_type",
        "shipping_method": "shippingMethod shipping_tier",
    }
)
PRODUCT_FIELDS = _every(
    {
        "product_id": "productId item_id id",
        "sku": "item_sku",
        "variant": "item_variant",
        "name": "product_name productName item_name title",
        "brand": "item_brand",
        "category": "item_category",
        "price": "item_price",
        "quantity": "",
        "url": "product_url productUrl",
        "image_url": "imageUrl image",
        "position": "index",
    }
)
