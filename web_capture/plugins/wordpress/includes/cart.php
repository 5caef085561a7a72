<?php
/** Product, cart and checkout: told by our script in the page, in the name of the browser that did it. */

defined( 'ABSPATH' ) || exit;

/** The shop's hooks. */
function kartoteka_hook_cart() {
	kartoteka_on( 'woocommerce_add_to_cart', 'kartoteka_added', 20, 4 );
	kartoteka_on( 'woocommerce_cart_item_removed', 'kartoteka_removed', 20, 2 );
	kartoteka_on( 'woocommerce_add_to_cart_fragments', 'kartoteka_fragment' );
}

/** What this page itself is: the same for everybody on a product's page; cart and checkout are never cached. */
function kartoteka_page_events() {
	if ( is_product() ) {
		$product = wc_get_product( get_queried_object_id() );
		return $product ? array( array( 'Product Viewed', kartoteka_product( $product ) + kartoteka_money() ) ) : array();
	}
	if ( is_cart() || ( is_checkout() && ! is_order_received_page() && ! is_checkout_pay_page() ) ) {
		$cart = kartoteka_cart();
		return $cart['products'] ? array( array( is_cart() ? 'Cart Viewed' : 'Checkout Started', $cart ) ) : array();
	}
	return array();
}

/** What lies in the cart. */
function kartoteka_cart() {
	$products = array();
	$items    = WC()->cart ? WC()->cart->get_cart() : array();
	foreach ( array_slice( $items, 0, 100 ) as $item ) {
		if ( ! empty( $item['data'] ) ) {
			$products[] = kartoteka_product( $item['data'], $item['quantity'] );
		}
	}
	$value = WC()->cart ? (float) WC()->cart->get_cart_contents_total() + (float) WC()->cart->get_cart_contents_tax() : 0;
	return array( 'value' => kartoteka_amount( $value ), 'products' => $products ) + kartoteka_money();
}

/** The shop's currency. */
function kartoteka_money() {
	return array( 'currency' => get_woocommerce_currency() );
}

/** Something was put into the cart: by a form, by a script, by a block. */
function kartoteka_added( $key, $product_id, $quantity, $variation_id = 0 ) {
	$product = wc_get_product( $variation_id ? $variation_id : $product_id );
	if ( $product ) {
		kartoteka_note( 'Product Added', kartoteka_product( $product, $quantity ) + kartoteka_money() );
	}
}

/** Something was taken out of the cart. */
function kartoteka_removed( $key, $cart ) {
	$item    = isset( $cart->removed_cart_contents[ $key ] ) ? $cart->removed_cart_contents[ $key ] : array();
	$product = $item ? wc_get_product( ! empty( $item['variation_id'] ) ? $item['variation_id'] : $item['product_id'] ) : null;
	if ( $product ) {
		kartoteka_note( 'Product Removed', kartoteka_product( $product, $item['quantity'] ) + kartoteka_money() );
	}
}

/** Note an event until the browser can be given it: with this answer, or with the next page. Nothing of who said no. */
function kartoteka_note( $event, array $properties ) {
	if ( WC()->session && 'deny' !== kartoteka_cookie() ) {
		$noted   = (array) WC()->session->get( 'kartoteka_noted', array() );
		$noted[] = array( $event, $properties );
		WC()->session->set( 'kartoteka_noted', array_slice( $noted, -20 ) );
	}
}

/** Take what was noted. */
function kartoteka_take_noted() {
	$noted = WC()->session ? (array) WC()->session->get( 'kartoteka_noted', array() ) : array();
	if ( $noted ) {
		WC()->session->set( 'kartoteka_noted', array() );
	}
	return $noted;
}

/** With an answer to a script that changed the cart; other answers with fragments are kept by browsers. */
function kartoteka_fragment( $fragments ) {
	if ( did_action( 'woocommerce_add_to_cart' ) || did_action( 'woocommerce_cart_item_removed' ) ) {
		$fragments['#kartoteka-noted'] = '<span id="kartoteka-noted" hidden data-events="' . esc_attr( wp_json_encode( kartoteka_take_noted(), JSON_INVALID_UTF8_SUBSTITUTE ) ) . '"></span>';
	}
	return $fragments;
}
