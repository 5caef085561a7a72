<?php
/** Orders, told by this server: no blocker, closed tab or payment page stands between them and the hub. */

defined( 'ABSPATH' ) || exit;

/** The hooks of an order's life. The second is the block checkout's. */
function kartoteka_hook_orders() {
	kartoteka_on( 'woocommerce_checkout_order_processed', 'kartoteka_checked_out', 20, 3 );
	kartoteka_on( 'woocommerce_store_api_checkout_order_processed', 'kartoteka_remember_browser', 20 );
	if ( ! kartoteka_tells_orders() ) {
		return;
	}
	foreach ( array( 'payment_complete', 'order_status_on-hold', 'order_status_processing', 'order_status_completed' ) as $moment ) {
		kartoteka_on( 'woocommerce_' . $moment, 'kartoteka_order_completed', 20 );
	}
	kartoteka_on( 'woocommerce_order_status_cancelled', 'kartoteka_order_cancelled', 20 );
	kartoteka_on( 'woocommerce_order_refunded', 'kartoteka_order_refunded', 20, 2 );
}

/** Whether this server tells of orders. */
function kartoteka_tells_orders() {
	return 'yes' === kartoteka_setting( 'orders' ) && '' !== kartoteka_setting( 'secret_key' );
}

/** The classic checkout made an order. */
function kartoteka_checked_out( $order_id, $posted = array(), $order = null ) {
	$order = $order ? $order : wc_get_order( $order_id );
	if ( $order ) {
		kartoteka_remember_browser( $order );
	}
}

/** Keep with the order which browser it came from; or that its person wants no tracking. A later try to pay overrules. */
function kartoteka_remember_browser( $order ) {
	$refused = kartoteka_refused();
	$device  = $refused ? '' : kartoteka_device( kartoteka_cookie() );
	$order->delete_meta_data( $refused ? '_kartoteka_device' : '_kartoteka_refused' );
	if ( $refused ) {
		$order->update_meta_data( '_kartoteka_refused', '1' );
	} elseif ( '' !== $device ) {
		$order->update_meta_data( '_kartoteka_device', $device );
	}
	$order->save_meta_data();
}

/** Whether this visitor said no: to our snippet, or to the shop's consent banner. */
function kartoteka_refused() {
	$category = kartoteka_setting( 'consent' );
	return 'deny' === kartoteka_cookie() || ( '' !== $category && function_exists( 'wp_has_consent' ) && ! wp_has_consent( $category ) );
}

/** The order, when it is to be told of: not refused, not from before this plugin. A shop's own connection brings the others. */
function kartoteka_order( $order_id ) {
	$order = wc_get_order( $order_id );
	if ( ! $order || $order->get_meta( '_kartoteka_refused' ) ) {
		return null;
	}
	$made = $order->get_date_created();
	return $made && $made->getTimestamp() < (int) get_option( 'kartoteka_since', 0 ) ? null : $order;
}

/** Tell of an order once for each thing that befalls it. */
function kartoteka_tell( $order, $what, $event, array $properties, $moment ) {
	$told = array_filter( explode( ' ', (string) $order->get_meta( '_kartoteka_told' ) ) );
	if ( in_array( $what, $told, true ) ) {
		return;
	}
	kartoteka_send( kartoteka_order_message( $order, $what, $event, $properties, $moment ) );
	$order->update_meta_data( '_kartoteka_told', implode( ' ', array_merge( $told, array( $what ) ) ) );
	$order->save_meta_data();
}

/** Paid, or accepted by the shop. A checkout whose payment failed is none: it may still be won back. */
function kartoteka_order_completed( $order_id ) {
	$order = kartoteka_order( $order_id );
	if ( $order ) {
		// When it was placed, as the shop's connector says it, too; a transfer may be paid a week later.
		$date = $order->get_date_created();
		kartoteka_tell( $order, 'completed', 'Order Completed', kartoteka_order_properties( $order ), $date ? $date->getTimestamp() : time() );
	}
}

/** Called off. */
function kartoteka_order_cancelled( $order_id ) {
	$order = kartoteka_order( $order_id );
	if ( $order ) {
		kartoteka_tell( $order, 'cancelled', 'Order Cancelled', kartoteka_order_properties( $order ), time() );
	}
}

/** Money given back, all or some of it. */
function kartoteka_order_refunded( $order_id, $refund_id ) {
	$order  = kartoteka_order( $order_id );
	$refund = wc_get_order( $refund_id );
	if ( $order && $refund ) {
		$properties = kartoteka_said(
			array(
				'order_id' => (string) $order->get_id(),
				'total'    => kartoteka_amount( abs( (float) $refund->get_amount() ) ),
				'currency' => (string) $order->get_currency(),
				'products' => kartoteka_lines( $refund ),
			)
		);
		kartoteka_tell( $order, 'refunded-' . (int) $refund_id, 'Order Refunded', $properties, time() );
	}
}
