<?php
/** What is said to the hub: pure, so that it can be tested without a shop. Names are those of Segment's e-commerce spec. */

defined( 'ABSPATH' ) || exit;

/** What proves to the hub that this shop's server vouches for a user and, where one is given, for their e-mail. */
function kartoteka_signature( $user_id, $secret, $email = '' ) {
	$email = strtolower( trim( (string) $email ) );
	$text  = (string) $user_id . ( '' === $email ? '' : "\n" . $email );
	return '' === (string) $secret ? '' : hash_hmac( 'sha256', $text, (string) $secret );
}

/** The browser's id from its cookie; empty when it can't be one, or is the visitor's no. */
function kartoteka_device( $said ) {
	return is_string( $said ) && 'deny' !== $said && preg_match( '/\A[\x21-\x7e]{1,100}\z/', $said ) ? $said : '';
}

/** An amount as a decimal text with a point, whatever the server's locale. */
function kartoteka_amount( $value ) {
	return number_format( (float) $value, 2, '.', '' );
}

/** A text without tags, of a bearable length. */
function kartoteka_text( $value, $longest = 300 ) {
	return mb_substr( trim( wp_strip_all_tags( html_entity_decode( (string) $value, ENT_QUOTES, 'UTF-8' ) ) ), 0, $longest );
}

/** Without what says nothing. */
function kartoteka_said( array $values ) {
	return array_filter(
		$values,
		static function ( $value ) {
			return null !== $value && '' !== $value && array() !== $value;
		}
	);
}

/** A product as the events name it. A variation is told as its product with a variant. */
function kartoteka_product( $product, $quantity = null, $price = null ) {
	$parent = (int) $product->get_parent_id();
	return kartoteka_said(
		array(
			'product_id' => (string) ( $parent ? $parent : $product->get_id() ),
			'variant'    => $parent ? (string) $product->get_id() : null,
			'sku'        => (string) $product->get_sku(),
			'name'       => kartoteka_text( $product->get_name() ),
			'price'      => kartoteka_amount( null === $price ? wc_get_price_to_display( $product ) : $price ),
			'quantity'   => null === $quantity ? null : (int) $quantity,
			'url'        => (string) $product->get_permalink(),
			'image_url'  => $product->get_image_id() ? (string) wp_get_attachment_image_url( $product->get_image_id(), 'woocommerce_thumbnail' ) : null,
		)
	);
}

/** The lines of an order or a refund. */
function kartoteka_lines( $order ) {
	$lines = array();
	foreach ( $order->get_items() as $item ) {
		$product  = $item->get_product();
		$quantity = abs( (int) $item->get_quantity() );
		$price    = $quantity ? abs( (float) $item->get_total() + (float) $item->get_total_tax() ) / $quantity : 0;
		$lines[]  = $product ? kartoteka_product( $product, $quantity, $price ) : kartoteka_said(
			array(
				'product_id' => (string) $item->get_product_id(),
				'name'       => kartoteka_text( $item->get_name() ),
				'price'      => kartoteka_amount( $price ),
				'quantity'   => $quantity,
			)
		);
	}
	return array_slice( $lines, 0, 100 );
}

/** What an order is, in the properties of its events. */
function kartoteka_order_properties( $order ) {
	$total    = (float) $order->get_total();
	$tax      = (float) $order->get_total_tax();
	$shipping = (float) $order->get_shipping_total();
	return kartoteka_said(
		array(
			'order_id'       => (string) $order->get_id(),
			'number'         => (string) $order->get_order_number(),
			'total'          => kartoteka_amount( $total ),
			'revenue'        => kartoteka_amount( max( 0, $total - $tax - $shipping ) ),
			'subtotal'       => kartoteka_amount( $order->get_subtotal() ),
			'shipping'       => kartoteka_amount( $shipping ),
			'tax'            => kartoteka_amount( $tax ),
			'discount'       => kartoteka_amount( $order->get_total_discount() ),
			'currency'       => (string) $order->get_currency(),
			'coupon'         => implode( ', ', $order->get_coupon_codes() ),
			'payment_method' => kartoteka_text( $order->get_payment_method() ),
			'products'       => kartoteka_lines( $order ),
		)
	);
}

/** Who bought: a customer by the account, a guest by what the order says. */
function kartoteka_buyer( $order ) {
	$user = (int) $order->get_customer_id();
	$data = $user ? get_userdata( $user ) : false;
	return kartoteka_said(
		array(
			'email'     => kartoteka_text( $data ? $data->user_email : $order->get_billing_email() ),
			'phone'     => kartoteka_text( $order->get_billing_phone() ),
			'firstName' => kartoteka_text( $order->get_billing_first_name() ),
			'lastName'  => kartoteka_text( $order->get_billing_last_name() ),
		)
	);
}

/** The event of an order. `$what` makes its id: the same happening told twice is one event at the hub. */
function kartoteka_order_message( $order, $what, $event, array $properties, $moment ) {
	$user   = (int) $order->get_customer_id();
	$device = kartoteka_device( $order->get_meta( '_kartoteka_device' ) );
	$id     = 'wc-' . substr( md5( home_url() ), 0, 8 ) . '-' . $order->get_id() . '-' . $what;
	return kartoteka_said(
		array(
			'type'        => 'track',
			'messageId'   => $id,
			// the hub wants somebody named: a guest whose browser is unknown is the order's buyer
			'anonymousId' => $device ? $device : ( $user ? null : 'order-' . $order->get_id() ),
			'userId'      => $user ? (string) $user : null,
			'event'       => $event,
			'timestamp'   => gmdate( 'Y-m-d\TH:i:s\Z', $moment ),
			'properties'  => $properties,
			'context'     => array(
				'traits'  => kartoteka_buyer( $order ),
				'library' => array( 'name' => 'kartoteka-wordpress', 'version' => KARTOTEKA_VERSION ),
			),
		)
	);
}

/** JSON that can stand inside a page: no `<`, `>`, `&` or quote of it means anything to HTML. */
function kartoteka_page_json( $value ) {
	$json = wp_json_encode( $value, JSON_HEX_TAG | JSON_HEX_AMP | JSON_HEX_APOS | JSON_HEX_QUOT | JSON_INVALID_UTF8_SUBSTITUTE );
	return is_string( $json ) ? $json : '{}';
}
