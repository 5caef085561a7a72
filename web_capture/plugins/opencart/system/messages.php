<?php
/** What is said to the hub: pure, the same for OpenCart 3 and 4. Names are those of Segment's e-commerce spec. */

defined('VERSION') || exit;

/** What proves to the hub that this shop's server vouches for a customer and, where one is given, for their e-mail. */
function kartoteka_signature($customer_id, $secret, $email = '') {
	$email = strtolower(trim((string)$email));
	$text = (string)$customer_id . ($email === '' ? '' : "\n" . $email);
	return (string)$secret === '' ? '' : hash_hmac('sha256', $text, (string)$secret);
}

/** The browser's id from its cookie; empty when it can't be one, or is the visitor's no. */
function kartoteka_device($said) {
	return is_string($said) && $said !== 'deny' && preg_match('/\A[\x21-\x7e]{1,100}\z/', $said) ? $said : '';
}

/** An address of a hub without its last slash; empty when it is none. */
function kartoteka_hub($said) {
	$said = rtrim(trim((string)$said), '/');
	return preg_match('~\Ahttps?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._\~/\-]*)?\z~', $said) ? $said : '';
}

/** Whether a text has the form of a key. */
function kartoteka_is_key($said) {
	return preg_match('/\A[A-Za-z0-9_\-]{8,100}\z/', (string)$said) === 1;
}

/** An amount as a decimal text with a point. */
function kartoteka_amount($value) {
	return number_format((float)$value, 2, '.', '');
}

/** OpenCart keeps names with their entities. */
function kartoteka_text($value) {
	return trim(strip_tags(html_entity_decode((string)$value, ENT_QUOTES, 'UTF-8')));
}

/** Without what says nothing. */
function kartoteka_said(array $values) {
	return array_filter($values, static function ($value) {
		return $value !== null && $value !== '' && $value !== [];
	});
}

/** A product: a row of a cart, a catalogue or an order; the price is in the currency of the event. */
function kartoteka_product(array $row, $price, $quantity = null) {
	return kartoteka_said([
		'product_id' => (string)$row['product_id'],
		'sku'        => kartoteka_text(!empty($row['sku']) ? $row['sku'] : (isset($row['model']) ? $row['model'] : '')),
		'name'       => kartoteka_text($row['name']),
		'price'      => kartoteka_amount($price),
		'quantity'   => $quantity === null ? null : (int)$quantity
	]);
}

/** What is said of a signed-in customer, with the proof. */
function kartoteka_identify($id, array $traits, $secret) {
	$email = isset($traits['email']) ? $traits['email'] : '';
	return ['identify', (string)$id, (object)kartoteka_said($traits), kartoteka_signature($id, $secret, $email)];
}

/** What an order is. OpenCart keeps amounts in the shop's own currency and the rate beside them. */
function kartoteka_order(array $order, array $lines, array $totals) {
	$rate = (float)$order['currency_value'] ?: 1.0;
	$sums = ['sub_total' => 0.0, 'shipping' => 0.0, 'tax' => 0.0, 'coupon' => 0.0];
	foreach ($totals as $total) {
		if (isset($sums[$total['code']])) {
			$sums[$total['code']] += (float)$total['value'] * $rate;
		}
	}
	$products = [];
	foreach (array_slice($lines, 0, 100) as $line) {
		$products[] = kartoteka_product($line, ((float)$line['price'] + (float)$line['tax']) * $rate, $line['quantity']);
	}
	$whole = (float)$order['total'] * $rate;
	return kartoteka_said([
		'order_id' => (string)$order['order_id'],
		'total'    => kartoteka_amount($whole),
		'revenue'  => kartoteka_amount(max(0, $whole - $sums['tax'] - $sums['shipping'])),
		'subtotal' => kartoteka_amount($sums['sub_total']),
		'shipping' => kartoteka_amount($sums['shipping']),
		'tax'      => kartoteka_amount($sums['tax']),
		'discount' => kartoteka_amount(abs($sums['coupon'])),
		'currency' => (string)$order['currency_code'],
		'products' => $products
	]);
}

/** The event of an order; the same happening told twice is one event at the hub. */
function kartoteka_order_message(array $order, $what, $event, array $properties, $device, $site, $moment) {
	$customer = (int)$order['customer_id'];
	$device = kartoteka_device($device);
	return kartoteka_message('oc-' . substr(md5($site), 0, 8) . '-' . $order['order_id'] . '-' . $what, $event, $properties, $moment, [
		'anonymousId' => $device ? $device : ($customer ? null : 'order-' . $order['order_id']),
		'userId'      => $customer ? (string)$customer : null
	], kartoteka_said([
		'email'     => kartoteka_text($order['email']),
		'phone'     => kartoteka_text($order['telephone']),
		'firstName' => kartoteka_text($order['firstname']),
		'lastName'  => kartoteka_text($order['lastname'])
	]));
}

/** A message of ours. */
function kartoteka_message($id, $event, array $properties, $moment, array $who, array $traits = []) {
	return kartoteka_said($who) + [
		'type'       => 'track',
		'messageId'  => $id,
		'event'      => $event,
		'timestamp'  => gmdate('Y-m-d\TH:i:s\Z', $moment),
		'properties' => $properties,
		'context'    => kartoteka_said(['traits' => $traits]) + ['library' => ['name' => 'kartoteka-opencart', 'version' => '1.0.0']]
	];
}

/**
 * The tag, and calls for the snippet: data in which no character means anything to HTML. `told` is the pattern of those
 * events of the page's data layer that this module tells itself.
 */
function kartoteka_head($hub, $site_key, array $calls) {
	$json = json_encode($calls, JSON_HEX_TAG | JSON_HEX_AMP | JSON_HEX_APOS | JSON_HEX_QUOT | JSON_INVALID_UTF8_SUBSTITUTE);
	return '<script>(function(k){k.told=/^(view_?item|view_?cart|add_?to_?cart|begin_?checkout|purchase|refund)$/i;' . ($json ? $json : '[]') . '.forEach(function(c){k.push(c)})})(window.kartoteka=window.kartoteka||[])</script>'
		. '<script async src="' . htmlspecialchars($hub . '/k/' . rawurlencode($site_key) . '.js', ENT_QUOTES) . '"></script>';
}
